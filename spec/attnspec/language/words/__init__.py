"""The words of the notation, with their documentation; `attnspec.language.vocabulary` lists them."""
