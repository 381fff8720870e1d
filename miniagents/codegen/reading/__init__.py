"""Read schema files, of any dialect and number, into one bundle of normalised definitions by name.

Begin with `bundle`: code that has a bundle need not know files. `views` has quick questions about its schemas.
"""
