"""What is made of an equation, a file each: its value, its noise, its formula, its mutants."""
