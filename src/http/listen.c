/* SPDX-License-Identifier: Apache-2.0 */
/* listen.c - listening sockets.
 *
 * Linux spreads connections over all sockets that listen on one port with SO_REUSEPORT, whichever
 * process of the same user they belong to. So a second server would silently get half of the
 * first one's clients. http_listen_check() binds without the option, which fails while anybody
 * listens there, with or without it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/connection.h"

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

struct endpoint {
	struct sockaddr_storage storage;
	socklen_t size;
};

static enum status parse_endpoint(const char *address, uint16_t port, struct endpoint *ret,
				  struct error *err)
{
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;

	memset(ret, 0, sizeof(*ret));
	if (address != NULL && uv_ip4_addr(address, port, &ip4) == 0) {
		memcpy(&ret->storage, &ip4, sizeof(ip4));
		ret->size = sizeof(ip4);
		return OK;
	}
	if (address != NULL && uv_ip6_addr(address, port, &ip6) == 0) {
		memcpy(&ret->storage, &ip6, sizeof(ip6));
		ret->size = sizeof(ip6);
		return OK;
	}
	return ERROR(err, ERR_INVALID, "'%s' is not an IP address", address != NULL ? address : "");
}

static enum status bind_error(struct error *err, int error, const char *address, uint16_t port)
{
	bool ip6 = strchr(address, ':') != NULL;
	const char *open = ip6 ? "[" : "";
	const char *close = ip6 ? "]" : "";

	if (error == EADDRINUSE)
		return ERROR(err, ERR_BUSY, "%s%s%s:%u is in use by another process", open, address,
			     close, port);
	if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EINVAL)
		return ERROR(err, ERR_INVALID, "this machine has no address %s", address);
	if (error == EACCES || error == EPERM)
		return ERROR(err, ERR_DENIED, "not permitted to listen on %s%s%s:%u", open, address,
			     close, port);
	return error_set_errno(err, error, "listening on %s%s%s:%u", open, address, close, port);
}

static enum status open_socket(const char *address, uint16_t port, bool shared, int *ret_fd,
			       struct error *err)
{
	struct endpoint endpoint;
	const struct sockaddr *name = (const struct sockaddr *)&endpoint.storage;
	int on = 1;
	enum status s;
	int fd;

	s = parse_endpoint(address, port, &endpoint, err);
	if (s != OK)
		return s;
	fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return bind_error(err, errno, address, port);
	/* SO_REUSEADDR lets a restarted server have its port in spite of old connections. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
	    bind(fd, name, endpoint.size) != 0 || listen(fd, BACKLOG) != 0) {
		s = bind_error(err, errno, address, port);
		(void)close(fd); /* nothing was written to it */
		return s;
	}
	*ret_fd = fd;
	return OK;
}

enum status http_listen_check(const char *address, uint16_t port, struct error *err)
{
	int fd = -1;
	enum status s = open_socket(address, port, /* shared= */ false, &fd, err);

	if (s == OK)
		(void)close(fd); /* nothing was written to it */
	return s;
}

enum status listen_open(const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port,
			struct error *err)
{
	struct sockaddr_storage name = { 0 };
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
	socklen_t size = sizeof(name);
	int fd = -1;
	enum status s = open_socket(address, port, /* shared= */ true, &fd, err);

	if (s != OK)
		return s;
	if (getsockname(fd, (struct sockaddr *)&name, &size) != 0) {
		s = error_set_errno(err, errno, "asking for the port of a listening socket");
		(void)close(fd); /* nothing was written to it */
		return s;
	}
	if (name.ss_family == AF_INET6) {
		memcpy(&ip6, &name, sizeof(ip6));
		*ret_port = ntohs(ip6.sin6_port);
	} else {
		memcpy(&ip4, &name, sizeof(ip4));
		*ret_port = ntohs(ip4.sin_port);
	}
	*ret_fd = fd;
	return OK;
}
