/* Takes what no shell can, and holds it: `hold udp N` sends from N ports to another namespace; `hold huge N` maps N huge pages;
 * `hold files DIRECTORY` creates small files, and `hold write FILE` writes, until it is refused. Prints the error that ends it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int say(const char *what, long n)
{
	printf("%s %ld: %s\n", what, n, errno ? strerror(errno) : "granted");
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[2]) : 0, i;

	errno = 0;
	if (argc > 2 && !strcmp(argv[1], "udp")) {
		for (i = 0; i < n; i++) {
			struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9000 + i) };
			int s = socket(AF_INET, SOCK_DGRAM, 0);

			inet_pton(AF_INET, argv[3], &to.sin_addr);
			if (sendto(s, "x", 1, 0, (void *)&to, sizeof(to)) < 0) {
				say("sendto", i + 1);
				return 0;
			}
			close(s);
		}
		return say("sendto", i);
	}
	if (argc > 2 && !strcmp(argv[1], "huge")) {
		for (i = 0; i < n; i++) {
			char *p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

			if (p == MAP_FAILED)
				break;
			*p = 1;
		}
		say("mmap", i + 1);
		pause();
	}
	if (argc > 2 && !strcmp(argv[1], "files")) {
		static char b[2000];
		char path[200];

		for (i = 0;; i++) {
			int f, w;

			snprintf(path, sizeof(path), "%s/%ld", argv[2], i);
			memset(b, 'a' + i % 26, sizeof(b));
			f = open(path, O_CREAT | O_WRONLY, 0600);
			w = f < 0 ? -1 : write(f, b, sizeof(b));
			if (w < 0)
				return say("file", i + 1);
			close(f);
			if (i % 1000 == 999)
				sync();
		}
	}
	if (argc > 2 && !strcmp(argv[1], "write")) {
		/* Root may exceed a quota. */
		int f = setuid(65534) ? -1 : open(argv[2], O_CREAT | O_WRONLY, 0600);
		static char b[65536];

		for (i = 0; write(f, b, sizeof(b)) > 0; i++)
			;
		fsync(f);
		return say("write", i + 1);
	}
	return 1;
}
