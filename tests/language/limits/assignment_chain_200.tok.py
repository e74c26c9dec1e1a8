"""200 assignments in one another are allowed."""
print("var a;")
print("print " + "a = " * 195 + "1; // expect: 1")
