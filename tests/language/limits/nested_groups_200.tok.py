"""200 parentheses are allowed."""
print("print " + "(" * 200 + "1" + ")" * 200 + "; // expect: 1")
