"""A literal of 400 digits is infinity; one of 10,000 digits after the dot is a number."""
print("print 1" + "0" * 400 + "; // expect: inf")
print("print 0." + "3" * 10000 + "; // expect: 0.333333")
print("print " + "0" * 10000 + "7; // expect: 7")
