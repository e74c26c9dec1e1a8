"""200 functions in one another."""
print("fun f() { " * 200 + "print 1;" + " } f();" * 200)
print("// expect: 1")
