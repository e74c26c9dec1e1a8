/* The least a runner can be: says one byte on its stream and ends. Linked with glibc and with musl, to
 * see what each takes to reach main(). */
#include <unistd.h>

int main(void)
{
    _exit(write(0, "x", 1) == 1 ? 0 : 1);
}
