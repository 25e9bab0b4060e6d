"""The diagnosis: which mistake explains wrong answers, or where and how they are wrong."""
