"""Blocks and parentheses count together at most: a hundred of each are allowed."""
print("{" * 100 + " print " + "(" * 100 + "1" + ")" * 100 + "; " + "}" * 100)
print("// expect: 1")
