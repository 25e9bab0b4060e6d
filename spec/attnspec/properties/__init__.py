"""What must hold of the equations, one file per family: tests of the spec and of every implementation."""

from attnspec.properties.property import PROCEDURAL, PROPERTIES, AtMost, Equal, Property, Relation, property_of

__all__ = ["PROCEDURAL", "PROPERTIES", "AtMost", "Equal", "Property", "Relation", "property_of"]
