/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/app/harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

char *fake_answer(unsigned status, const char *content_type, const char *headers, const char *body)
{
	char *text = NULL;

	if (asprintf(&text,
		     "HTTP/1.1 %u X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sConnection: "
		     "close\r\n\r\n%s",
		     status, content_type, strlen(body), headers, body) < 0)
		abort();
	return text;
}

static void request_read(int fd, char *request, size_t max)
{
	size_t size = 0, wanted = 0;

	while (size < max - 1 && (wanted == 0 || size < wanted)) {
		ssize_t n = read(fd, request + size, max - 1 - size);
		const char *length, *end;

		if (n <= 0)
			return;
		size += (size_t)n;
		request[size] = '\0';
		end = strstr(request, "\r\n\r\n");
		length = strcasestr(request, "\r\ncontent-length: ");
		if (wanted == 0 && end != NULL)
			wanted = (size_t)(end - request) + 4 +
				 (length != NULL && length < end ? strtoul(length + 18, NULL, 10)
								 : 0);
	}
}

static void server_run(void *arg)
{
	struct fake_server *server = arg;

	for (size_t i = 0; i < server->answer_count; i++) {
		struct pollfd waited = { .fd = server->listener, .events = POLLIN };
		int fd;

		if (poll(&waited, 1, 5000) != 1)
			return;
		fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			return;
		request_read(fd, server->requests[i], sizeof(server->requests[i]));
		server->request_count++;
		if (server->answers[i] != NULL)
			(void)send(fd, server->answers[i], strlen(server->answers[i]),
				   MSG_NOSIGNAL);
		/* The client closes first, or nothing of a cut answer would be read. */
		(void)shutdown(fd, SHUT_WR);
		(void)poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1000);
		close(fd);
	}
}

void fake_server_start(struct fake_server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	server->request_count = 0;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->listener >= 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->listener, 8), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	server->port = ntohs(address.sin_port);
	(void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", server->port);
	assert_int_equal(thread_start(&server->thread, "fake server", server_run, server, NULL),
			 OK);
}

void fake_server_stop(struct fake_server *server)
{
	thread_join(&server->thread);
	close(server->listener);
}

/* ---- the program -------------------------------------------------------------------------------- */

static void run(struct program *program, const char *input, va_list list)
{
	char name[] = "concordance";
	char *argv[32] = { name };
	size_t out_size, err_size;
	int argc = 1;

	for (const char *a = va_arg(list, const char *); a != NULL;
	     a = va_arg(list, const char *)) {
		assert_true(argc < 31);
		argv[argc] = strdup(a);
		assert_non_null(argv[argc++]);
	}
	program->cli.output.out = open_memstream(&program->out, &out_size);
	program->cli.output.err = open_memstream(&program->err, &err_size);
	program->cli.in = fmemopen(NULL, 1, "r");
	if (input != NULL && input[0] != '\0') {
		union {
			const char *text;
			void *memory;
		} borrowed = { .text = input }; /* fmemopen() does not write in mode "r" */

		(void)fclose(program->cli.in);
		program->cli.in = fmemopen(borrowed.memory, strlen(input), "r");
	}
	assert_non_null(program->cli.in);
	program->code = cli_main(&program->cli, argc, argv);
	(void)fclose(program->cli.output.out);
	(void)fclose(program->cli.output.err);
	(void)fclose(program->cli.in);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
}

void program_run(struct program *program, const char *input, ...)
{
	va_list list;

	memset(program, 0, sizeof(*program));
	program->cli.output.width = SIZE_MAX;
	va_start(list, input);
	run(program, input, list);
	va_end(list);
}

void program_run_on_terminal(struct program *program, size_t width, ...)
{
	va_list list;

	memset(program, 0, sizeof(*program));
	program->cli.output.terminal = true;
	program->cli.output.colour = true;
	program->cli.output.error_colour = true;
	program->cli.output.width = width;
	va_start(list, width);
	run(program, NULL, list);
	va_end(list);
}

void program_fini(struct program *program)
{
	free(program->out);
	free(program->err);
}

void program_expect(const struct program *program, int code, const char *out_part,
		    const char *err_part)
{
	if (program->code != code || strstr(program->out, out_part) == NULL ||
	    strstr(program->err, err_part) == NULL)
		fail_msg("expected code %d, '%s' and '%s'; got %d\n--- out\n%s\n--- err\n%s", code,
			 out_part, err_part, program->code, program->out, program->err);
}
