/* bench_hello - the least a program can do: what the cost of making a process is measured with. */
#include <unistd.h>

int main(void)
{
    return write(STDOUT_FILENO, "Hello, World!\n", 14) == 14 ? 0 : 1;
}
