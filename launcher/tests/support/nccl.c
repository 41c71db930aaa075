/* NCCL's names and results over host memory, for tests without GPUs: ranks meet in files, sums are made in the order of ranks.
 *
 * Like NCCL without blocking, calls only begin; ncclCommGetAsyncError goes on with them and says whether they are done.
 * Environment: STANDIN_FOLDER, where ranks meet; STANDIN_FAULT=CALL=WHAT[@RANK], where CALL is the name of a function or "state"
 * (what ncclCommGetAsyncError tells of a sum) and WHAT a result, "hang" (the call never comes back) or "die".
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, SYSTEM_ERROR = 2, INVALID_ARGUMENT = 4, IN_PROGRESS = 7 };
enum { IDLE, MEETING, SUMMING };

typedef struct { char bytes[128]; } Id;
typedef struct {
  Id id;
  int rank, world_size, doing;
  unsigned turn;
  float *values;
  size_t count;
} Comm;
typedef struct {
  size_t size;
  unsigned magic, version;
  int blocking, of_no_interest[3];
  const char *net_name;
  int split_share;
} Config;

/* The result that the environment wants of CALL on RANK; a rank of -1 is not known. */
static int fault(const char *call, int rank) {
  const char *text = getenv("STANDIN_FAULT"), *what, *at;
  size_t length = strlen(call);
  if (text == NULL || strncmp(text, call, length) != 0 || text[length] != '=') return SUCCESS;
  what = text + length + 1;
  at = strchr(what, '@');
  if (rank < 0 && getenv("OMPI_COMM_WORLD_RANK") != NULL) rank = atoi(getenv("OMPI_COMM_WORLD_RANK"));
  if (at != NULL && atoi(at + 1) != rank) return SUCCESS;
  if (strncmp(what, "hang", 4) == 0) for (;;) pause();
  if (strncmp(what, "die", 3) == 0) kill(getpid(), SIGKILL);
  return atoi(what);
}

static void name_file(char *name, const Comm *comm, int rank, unsigned turn) {
  snprintf(name, 300, "%s/%u.%d", comm->id.bytes, turn, rank);
}

/* Lays this rank's part of a turn down; the file is whole when it has its name. */
static int give(Comm *comm, const void *bytes, size_t length) {
  char name[300], partial[310];
  FILE *file;
  name_file(name, comm, comm->rank, comm->turn);
  snprintf(partial, sizeof partial, "%s.part", name);
  file = fopen(partial, "wb");
  if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) return SYSTEM_ERROR;
  return rename(partial, name) == 0 ? SUCCESS : SYSTEM_ERROR;
}

static int are_all_here(const Comm *comm) {
  char name[300];
  for (int rank = 0; rank < comm->world_size; rank++) {
    name_file(name, comm, rank, comm->turn);
    if (access(name, R_OK) != 0) return 0;
  }
  return 1;
}

/* Adds up what all ranks gave, in their order. Once all are here, nobody reads the turn before. */
static int sum(Comm *comm) {
  char name[300];
  float *part = malloc(comm->count * sizeof *part + 1);
  for (int rank = 0; rank < comm->world_size; rank++) {
    FILE *file;
    name_file(name, comm, rank, comm->turn);
    file = fopen(name, "rb");
    if (file == NULL || fread(part, sizeof *part, comm->count, file) != comm->count) return SYSTEM_ERROR;
    fclose(file);
    for (size_t at = 0; at < comm->count; at++) comm->values[at] = rank == 0 ? part[at] : comm->values[at] + part[at];
  }
  free(part);
  name_file(name, comm, comm->rank, comm->turn - 1);
  unlink(name);
  return SUCCESS;
}

int ncclGetVersion(int *version) {
  *version = getenv("STANDIN_VERSION") != NULL ? atoi(getenv("STANDIN_VERSION")) : 21800;
  return fault("ncclGetVersion", -1);
}

int ncclGetUniqueId(Id *id) {
  memset(id, 0, sizeof *id);
  snprintf(id->bytes, sizeof id->bytes, "%s/meet-XXXXXX", getenv("STANDIN_FOLDER"));
  if (mkdtemp(id->bytes) == NULL) return SYSTEM_ERROR;
  return fault("ncclGetUniqueId", -1);
}

int ncclCommInitRankConfig(Comm **made, int world_size, Id id, int rank, Config *config) {
  int code = fault("ncclCommInitRankConfig", rank);
  if (code != SUCCESS && code != IN_PROGRESS) return code;
  if (config->size != 48 || config->magic != 0xcafebeef || config->version != 21800 || config->blocking != 0) return INVALID_ARGUMENT;
  if (config->net_name != NULL || config->split_share != INT32_MIN) return INVALID_ARGUMENT;
  if (rank < 0 || world_size <= rank || access(id.bytes, W_OK) != 0) return INVALID_ARGUMENT;
  Comm *comm = calloc(1, sizeof *comm);
  comm->id = id, comm->rank = rank, comm->world_size = world_size, comm->doing = MEETING;
  *made = comm;
  code = give(comm, "", 0);
  return code == SUCCESS ? IN_PROGRESS : code;
}

int ncclAllReduce(const void *from, void *to, size_t count, int type, int operation, Comm *comm, void *stream) {
  int code = fault("ncclAllReduce", comm->rank);
  if (code != SUCCESS && code != IN_PROGRESS) return code;
  if (from != to || type != 7 || operation != 0 || stream != NULL || comm->doing != IDLE) return INVALID_ARGUMENT;
  comm->values = to, comm->count = count, comm->turn++, comm->doing = SUMMING;
  code = give(comm, from, count * sizeof(float));
  return code == SUCCESS ? IN_PROGRESS : code;
}

int ncclCommGetAsyncError(Comm *comm, int *state) {
  int code = fault("ncclCommGetAsyncError", comm->rank);
  if (code != SUCCESS) return code;
  *state = SUCCESS;
  if (comm->doing == IDLE) return SUCCESS;
  if (comm->doing == SUMMING) *state = fault("state", comm->rank);
  if (*state != SUCCESS) return SUCCESS;
  if (!are_all_here(comm)) {
    *state = IN_PROGRESS;
    return SUCCESS;
  }
  if (comm->doing == SUMMING) *state = sum(comm);
  comm->doing = IDLE;
  return SUCCESS;
}

int ncclCommFinalize(Comm *comm) { return fault("ncclCommFinalize", comm->rank); }

int ncclCommDestroy(Comm *comm) {
  int code = fault("ncclCommDestroy", comm->rank);
  free(comm);
  return code;
}

/* The memory is not given back: a caller that uses it once more must be found out by its results, not by chance. */
int ncclCommAbort(Comm *comm) { return fault("ncclCommAbort", comm->rank); }

const char *ncclGetErrorString(int code) { return code == 6 ? "a peer is gone" : ""; }

const char *ncclGetLastError(Comm *comm) { return comm == NULL ? "" : "said by the stand-in"; }
