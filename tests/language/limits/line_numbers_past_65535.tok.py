"""Line numbers do not wrap at 65,536."""
print("\n" * 70_000 + "undefined; // expect runtime error: Undefined variable 'undefined'.")
