/* accounting.bpf.c for Linux 6.2 and later (direct.h). */
#define DIRECT
#include "accounting.bpf.c"
