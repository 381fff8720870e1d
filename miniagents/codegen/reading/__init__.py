"""Schema files as a bundle: normalised definitions by name, whatever dialect and however many files they came from.

Begin with `bundle`; who has one need not know of files. `views` says what can be told of its schemas at a glance.
"""
