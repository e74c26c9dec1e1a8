"""200 assignments in one another are allowed."""
print("var a;")
print("print " + "a = " * 200 + "1; // expect: 1")
