"""200 parentheses with operators on both sides."""
print("print " + "(1 + " * 200 + "0" + ")" * 200 + "; // expect: 200")
print("print " + "(nil or " * 200 + "7" + ")" * 200 + "; // expect: 7")
