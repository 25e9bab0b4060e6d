"""What must hold of the equations, one file per family: tests of the spec and of every implementation."""

from attnspec.properties.law import PROCEDURAL, PROPERTIES, AtMost, Equal, Law, Relation, holds

__all__ = ["PROCEDURAL", "PROPERTIES", "AtMost", "Equal", "Law", "Relation", "holds"]
