/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "base/list.h"
#include "http/internal.h"
#include "http/parser.h"
#include "http/server.h"

/* connection.h - the structs that the files of the server share. All of it is the loop's thread's. */

#define READ_BUFFER_BYTES    ((size_t)64 << 10)
#define READ_AHEAD_MAX_BYTES ((size_t)64 << 10)  /* kept while a request is being handled */
#define OUTPUT_HIGH_BYTES    ((size_t)256 << 10) /* more than this waiting: produce nothing more */
#define OUTPUT_LOW_BYTES     ((size_t)64 << 10)  /* no more than this: go on */
#define ARENAS_KEPT          ((size_t)64)
#define NO_DEADLINE          UINT64_MAX

/*	IDLE <-> READING -> HANDED_OVER -> STREAMING
 *	  ^                    |   |           |
 *	  +----(keep-alive)----+   +-----+-----+
 *	                                 v
 *	        (refused, timeout) -> FINISHING -> LINGERING -> CLOSED     (any state -> CLOSED)
 *
 * FINISHING writes what is left; LINGERING has sent its FIN and reads the client's bytes away, so
 * that they do not make the kernel reset the connection before the client has read the answer. */
#define CONNECTION_STATES(X)      \
	X(CONNECTION_IDLE)        \
	X(CONNECTION_READING)     \
	X(CONNECTION_HANDED_OVER) \
	X(CONNECTION_STREAMING)   \
	X(CONNECTION_FINISHING)   \
	X(CONNECTION_LINGERING)   \
	X(CONNECTION_CLOSED)

enum connection_state {
#define X(name) name,
	CONNECTION_STATES(X)
#undef X
};

struct connection;

#define REQUEST_MAGIC 0x72657175u
#define STREAM_MAGIC  0x73747265u

struct http_request {
	uint32_t magic; /* REQUEST_MAGIC while it waits for its answer */
	struct connection *connection;
	const struct http_message *message; /* the parser's */
	struct arena *arena;                /* from the server's store; goes back there */
};

struct http_stream {
	uint32_t magic; /* STREAM_MAGIC until it ends */
	struct connection *connection;
	struct http_stream_callbacks callbacks;
	bool chunked;    /* else the end of the connection ends it */
	bool keep_alive; /* another request may follow */
	bool wants_drain;
};

struct connection {
	struct http_server *server;
	struct list node;      /* in server->connections until it is freed */
	struct list dirty;     /* in server->dirty: output to write, or a closed stream to report */
	struct list resumable; /* in server->resumable: kept input to parse */
	uv_tcp_t socket;
	enum connection_state state;
	bool socket_closed; /* libuv is done with it */
	bool is_reading;    /* libuv reads */
	bool input_ended;   /* the client has sent its FIN; it may still read */
	bool parsing;       /* inside the parse loop, which takes up what an answer leaves */
	bool trimmed;       /* idle memory was given back */

	struct http_parser *parser; /* owned */
	struct buf input;           /* read, not yet parsed */
	size_t input_offset;        /* parsed part of it */

	struct buf output;   /* to be written at the end of the turn */
	struct buf sending;  /* libuv is writing it */
	uv_write_t write;    /* in use while sending.size != 0 */
	size_t sending_left; /* unacknowledged, the kernel's buffer included, as of the last sweep */
	uint64_t write_deadline; /* while sending.size != 0 */

	uint64_t deadline; /* what for depends on the state */
	uint64_t idle_since;
	uint64_t last_stream_write;
	size_t lingered_bytes;

	struct http_request request;
	struct http_stream stream;
};

struct server_metrics {
	struct gauge *connections;
	struct counter *answers[6]; /* by status / 100; 0 is unused */
	struct counter *cancelled;
	struct counter *received_bytes;
	struct counter *sent_bytes;
	struct counter *refused;
	struct counter *timeouts;
};

struct http_server {
	struct loop_member member;
	struct loop *loop;
	struct http_server_options options; /* .address is not kept */
	uint16_t port;

	uv_poll_t listener;
	int listen_fd; /* -1 after it was closed */
	bool accepting;
	uv_timer_t
		retry; /* accepting again after the process ran out of descriptors; the drain's end */
	uv_timer_t sweep; /* looks for deadlines; stopped without connections */
	uint64_t sweep_ms;
	bool sweeping;
	bool refusal_logged;
	uint64_t refusal_logged_at;

	struct list connections;
	size_t connection_count;
	struct list dirty;
	struct list resumable;
	uint64_t handed_over; /* requests, ever: to see whether resuming brought any */
	char *read_buffer;    /* shared: what is read is parsed or copied before the next read */
	struct arena *arenas[ARENAS_KEPT]; /* clear, for the next requests */
	size_t arena_count;

	char date[40]; /* "Date: ...\r\n" */
	size_t date_size;
	uint64_t date_made_at; /* the loop's clock */

	bool draining;
	bool drain_begun;
	bool drain_done;
	uint64_t drain_deadline;
	void (*drained)(void *arg);
	void *drained_arg;

	bool released;         /* http_server_free() was called */
	unsigned open_handles; /* of its own; freed when 0 and no connection is left */

	struct server_metrics metrics;   /* never NULL inside */
	struct counter own_counters[11]; /* stand in for a registry */
	struct gauge own_gauge;
};

/* ---- connection.c ---- */

/* Takes the descriptor in any case. */
enum status connection_open(struct http_server *server, int fd, struct error *err) NODISCARD;
void connection_close(struct connection *connection); /* at once; unsent output is lost */
void connection_abort(struct connection *connection); /* the same, with a reset */
void connection_move(struct connection *connection, enum connection_state state);
void connection_mark_dirty(struct connection *connection);
void connection_flush(struct connection *connection);
void connection_resume(struct connection *connection); /* parses kept input */
void connection_sweep(struct connection *connection, uint64_t now);
void connection_finish(struct connection *connection); /* write what is left, then close */
/* The request's or stream's part is over: on to the next, or to the end. */
void connection_proceed(struct connection *connection, bool keep_alive);
void connection_release_if_gone(struct connection *connection);
bool connection_owes(const struct connection *connection); /* a request or stream is still held */
size_t connection_unsent(const struct connection *connection);

/* ---- request.c ---- */

/* False: no memory; nothing was handed over. */
bool request_begin(struct connection *connection) NODISCARD;
void request_end(struct connection *connection);

/* ---- stream.c ---- */

void stream_report_closed(struct connection *connection);

/* ---- response.c ---- */

struct response_framing {
	bool has_length;
	uint64_t length;
	bool chunked;
	bool close;
	bool say_keep_alive; /* an HTTP/1.0 client has to be told */
};

void response_append_head(struct http_server *server, struct buf *output,
			  const struct http_response *response,
			  const struct response_framing *framing);
/* A whole answer of the server's own, with Connection: close. */
void response_append_refusal(struct http_server *server, struct buf *output,
			     const struct http_refusal *refusal);

/* ---- server.c ---- */

void server_connection_freed(struct http_server *server);
void server_connection_opened(struct http_server *server);

/* ---- listen.c ---- */

/* A bound, listening, non-blocking socket with SO_REUSEPORT, and the port it got. */
enum status listen_open(const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port,
			struct error *err) NODISCARD;

#endif
