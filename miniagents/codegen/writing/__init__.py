"""Write the model of a module as formatted Python text. Begin with `emitter`."""
