/*
 * `cemm`: energy data from CEMM meters on the command line, for people, cron
 * and collectors that start programs (Telegraf exec, collectd exec).
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/message.h"
#include "plugin/exec/options.h"

#define PRESENT "table, influx, putval, prometheus, json, csv" /* formats of current values */

static const struct exec_command commands[] = {
    {"discover", "[OPTION...]", "the CEMMs that answer on the LAN", exec_discover, 0, false,
     "table", NULL},
    {"list", "[--format F]", "devices, meters, types and channels, and the sources that reach them",
     exec_list, EXEC_FORMAT, false, "table, json", NULL},
    {"read", "[--format F] [METER...]", "read the meters once", exec_read, EXEC_FORMAT, true,
     PRESENT, NULL},
    {"stream", "[--interval S|--stdin] [--format F] [--state FILE] [METER...]",
     "read the meters repeatedly, and print each sample once", exec_stream,
     EXEC_INTERVAL | EXEC_STDIN | EXEC_STATE | EXEC_FORMAT, true, PRESENT,
     "--output needs --format prometheus; FILE is replaced after every reading."},
    {"history", "--from D [--to D] [--period P] [--format F] [METER...]",
     "what the meters have measured, oldest first", exec_history,
     EXEC_FROM | EXEC_TO | EXEC_PERIOD | EXEC_FORMAT, true,
     "table, influx, putval, openmetrics, json, csv",
     "openmetrics is for `promtool tsdb create-blocks-from openmetrics`. Days that\n"
     "ended more than 24 h ago are kept in the archive, so an interrupted run\n"
     "continues when it is repeated."},
    {"energy", "--from D [--to D] [--by I] [--format F] [METER...]",
     "kWh and m3 of each quarter-hour, hour, day or month", exec_energy,
     EXEC_FROM | EXEC_TO | EXEC_BY | EXEC_FORMAT, true, "table, influx, json, csv, home-assistant",
     "home-assistant is CSV for Home Assistant to import: the hours of days that ended\n"
     "more than 24 h ago, in UTC. These days are kept in the archive, so an\n"
     "interrupted run continues when it is repeated."},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_command_help(const struct exec_command *command)
{
    printf("usage: cemm %s %s\n%s: %s\n\nOptions:\n", command->name, command->arguments,
           command->name, command->does);
    options_help(command);
    if (command->meters)
        fputs("\nMETER is uid/alias, uid or alias, such as 00-1E-C0-85-96-CC/p1; without any, all\n"
              "meters are read. Options and METERs may come in any order.\n",
              stdout);
    if (command->note)
        printf("\n%s\n", command->note);
    fputs("\nExit status: 0 all went well; 1 a meter failed (the others are printed), or\n"
          "no device answered; 2 the command line or the configuration is wrong.\n",
          stdout);
}

static void print_help(void)
{
    fputs("usage: cemm COMMAND [OPTION...] [ARGUMENT...]\n"
          "       cemm help [COMMAND]\n"
          "       cemm --help | --version\n\n"
          "Energy data from CEMM meters.\n\nCommands:\n",
          stdout);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-8s  %s\n", commands[i].name, commands[i].does);
    fputs("\n`cemm help COMMAND` shows the options of a command.\n", stdout);
}

/* A full disk or a closed pipe is a failure. */
static enum exec_exit flush_help(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? EXEC_OK : EXEC_FAILED;
}

static enum exec_exit run_command(const struct exec_command *command, char *const *arguments,
                                  size_t count)
{
    struct exec_options options;
    struct cemm_message message;
    enum exec_exit end = EXEC_USAGE;
    if (!options_read(&options, command, arguments, count, &message)) {
        message_print(CEMM_LOG_ERROR, "%s; see `cemm %s --help`", message.text, command->name);
    } else if (options.help) {
        print_command_help(command);
        end = flush_help();
    } else {
        end = command->run(&options);
    }
    free(options.selection.meters);
    return end;
}

static bool asks_for_help(const char *argument)
{
    return strcmp(argument, "help") == 0 || strcmp(argument, "--help") == 0 ||
           strcmp(argument, "-h") == 0;
}

int main(int argc, char **argv)
{
    static char help[] = "--help";
    cemm_process_prepare();
    setlocale(LC_CTYPE, "");
    message_begin();
    if (argc < 2) {
        message_print(CEMM_LOG_ERROR, "no command; see `cemm --help`");
        return EXEC_USAGE;
    }
    if (asks_for_help(argv[1]) && argc > 2) { /* `cemm help COMMAND` is `cemm COMMAND --help` */
        argv[1] = argv[2];
        argv[2] = help;
    }
    if (asks_for_help(argv[1])) {
        print_help();
        return (int)flush_help();
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("cemm %s\n", cemm_version());
        return (int)flush_help();
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, argv[1]) == 0)
            return (int)run_command(&commands[i], argv + 2, (size_t)argc - 2);
    }
    if (argv[1][0] == '-')
        message_print(CEMM_LOG_ERROR, "'%s': options must come after the command", argv[1]);
    else
        message_print(CEMM_LOG_ERROR, "unknown command '%s'; see `cemm --help`", argv[1]);
    return EXEC_USAGE;
}
