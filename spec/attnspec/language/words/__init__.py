"""The words of the notation, with what they mean; `attnspec.language.vocabulary` has the tables of them."""
