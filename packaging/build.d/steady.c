/* getrandom(2) that gives the same each time: for the compiler, as packaging/build says. Rust's library
 * looks the symbol up so that it can be replaced like this (std's sys/random/linux.rs). */
#include <string.h>
#include <sys/types.h>

ssize_t getrandom(void *buffer, size_t length, unsigned int flags) {
  (void)flags;
  memset(buffer, 42, length);
  return (ssize_t)length;
}
