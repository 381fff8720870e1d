"""The place of models in miniagents 0.0.35: importing it says where they are now."""

__all__: list[str] = []

raise ModuleNotFoundError(
    "No module named 'miniagents.ext.llms'; models are in `miniagents.ext.llm`: "
    "write `from miniagents.ext.llm import create_openai_agent`, and see the page from-0.0.35 of the guide",
    name=__name__,
)
