"""What is wrong with it?"""
