/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomctl: parse, run the command, leave with its status. */

#include "ctl/commands.h"

int main(int argc, char *argv[]) {
        Invocation i;

        int r = commands_parse(argc, argv, &i);
        if (r != 0)
                return r < 0 ? CTL_EXIT_USAGE : CTL_EXIT_OK;
        CtlExit status = i.command->run(&i);
        /* A full disk behind standard output must not look like success. */
        if (fflush(i.out) != 0 && status == CTL_EXIT_OK)
                status = CTL_EXIT_FAILED;
        return status;
}
