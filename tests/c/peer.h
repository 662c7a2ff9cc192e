/* peer.h - the other end of a connection: a thread that follows a script */
#ifndef PEER_H
#define PEER_H

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    void (*script)(struct peer *);
    int descriptor;
    size_t wanted; /* bytes of a request */
    const char *answer;
    uint8_t *received; /* the last request */
    size_t received_size;
    size_t total; /* bytes of all requests */
    bool stop;    /* set, atomically, when the client has what it wanted */
    pthread_t thread;
};

static void pause_for(unsigned milliseconds)
{
    usleep(milliseconds * 1000);
}

static void say(struct peer *peer, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = send(peer->descriptor, bytes, size, MSG_NOSIGNAL);
        if (written <= 0)
            return;
        bytes += written, size -= (size_t)written;
    }
}

static bool hear(struct peer *peer, size_t wanted)
{
    peer->received_size = 0;
    while (peer->received_size < wanted) {
        ssize_t size = read(peer->descriptor, peer->received + peer->received_size,
                            wanted - peer->received_size);
        if (size <= 0)
            return false;
        peer->received_size += (size_t)size, peer->total += (size_t)size;
    }
    return true;
}

/* Closes with a reset, not a FIN. */
static void reset(struct peer *peer)
{
    setsockopt(peer->descriptor, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
               sizeof(struct linger));
    close(peer->descriptor);
    peer->descriptor = -1;
}

static void answers(struct peer *peer)
{
    while (hear(peer, peer->wanted))
        say(peer, peer->answer, strlen(peer->answer));
}

static void answers_once_and_closes(struct peer *peer)
{
    if (hear(peer, peer->wanted))
        say(peer, peer->answer, strlen(peer->answer));
    close(peer->descriptor);
    peer->descriptor = -1;
}

static void reads_slowly(struct peer *peer)
{
    for (size_t heard = 0; heard < peer->wanted;) {
        ssize_t size = read(peer->descriptor, peer->received + heard, 10000);
        if (size <= 0)
            return;
        heard += (size_t)size;
        peer->received_size = peer->total = heard;
        usleep(100);
    }
    say(peer, peer->answer, strlen(peer->answer));
}

static void answers_early_and_closes(struct peer *peer)
{
    hear(peer, 1000);
    say(peer, peer->answer, strlen(peer->answer));
    close(peer->descriptor); /* with unread bytes: the system sends a reset */
    peer->descriptor = -1;
}

static void answers_early_and_stays(struct peer *peer)
{
    hear(peer, 1000);
    say(peer, peer->answer, strlen(peer->answer));
    while (!__atomic_load_n(&peer->stop, __ATOMIC_ACQUIRE))
        pause_for(1);
}

static void stays_silent(struct peer *peer)
{
    while (!__atomic_load_n(&peer->stop, __ATOMIC_ACQUIRE))
        pause_for(1);
}

static void answers_at_the_end(struct peer *peer)
{
    while (hear(peer, 1))
        continue;
    pause_for(200); /* or it would be an answer that nobody asked for */
    say(peer, peer->answer, strlen(peer->answer));
}

static void dribbles(struct peer *peer)
{
    hear(peer, peer->wanted);
    for (const char *at = peer->answer; *at != '\0'; at++) {
        say(peer, at, 1);
        pause_for(1);
    }
}

static void dribbles_for_ever(struct peer *peer)
{
    hear(peer, peer->wanted);
    say(peer, "HTTP/1.1 200 OK\r\n", 17);
    while (!__atomic_load_n(&peer->stop, __ATOMIC_ACQUIRE)) {
        say(peer, "X: 1\r\n", 6);
        pause_for(5);
    }
}

static void resets(struct peer *peer)
{
    hear(peer, 1000);
    reset(peer);
}

static void resets_within_the_answer(struct peer *peer)
{
    hear(peer, peer->wanted);
    say(peer, "HTTP/1.1 200 OK\r\n\r\nfar from all", 31);
    pause_for(20);
    reset(peer);
}

static void *run_peer(void *argument)
{
    struct peer *peer = argument;

    peer->script(peer);
    if (peer->descriptor >= 0)
        close(peer->descriptor);
    return NULL;
}

/* A timer's signals are for the client at work: not for its peer, nor for what sets the two up. */
static void hold_alarms(sigset_t *before)
{
    sigset_t alarm;

    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, before);
}

/* A loopback connection: the client's end is returned, non-blocking; the other is *peer. */
static int connected(int *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    sigset_t before;

    hold_alarms(&before); /* on a busy machine connect() waits, and would be interrupted */
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        connect(client, (struct sockaddr *)&address, size) != 0) {
        perror("a loopback connection");
        abort();
    }
    *peer = accept(listener, NULL, NULL);
    close(listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    fcntl(client, F_SETFL, O_NONBLOCK);
    return client;
}

static int connected_locally(int *peer)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        perror("a local connection");
        abort();
    }
    *peer = ends[1];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return ends[0];
}

static void start_peer(struct peer *peer)
{
    sigset_t before;

    peer->received = malloc(peer->wanted + 10000);
    hold_alarms(&before);
    pthread_create(&peer->thread, NULL, run_peer, peer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void end_peer(struct peer *peer)
{
    __atomic_store_n(&peer->stop, true, __ATOMIC_RELEASE);
    pthread_join(peer->thread, NULL);
    free(peer->received);
}

#endif
