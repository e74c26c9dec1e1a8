"""A hundred bad statements are a hundred reports at most, the first of them first."""
print("print 1 2; // first error at '2'")
for _ in range(150):
    print("print 1 2;")
