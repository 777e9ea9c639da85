"""What is said about each finding: (what was found, what to do next). The pages have the same texts in other
languages."""

from recommender.sentences.sentence import N_

TEXTS: dict[str, tuple[str, str]] = {
    "failed": (
        N_("This could not be checked (%(error)s)."),
        N_("Look into the log, and run kollega verify, which says more."),
    ),
    # the machine
    "versions": (N_("Kollega %(kollega)s, Python %(python)s, on %(system)s"), ""),
    "libraries": ("%(libraries)s", ""),
    "machine": (N_("%(cpus)s processors, %(memory)s of memory, of which %(available)s are free"), ""),
    "memory_low": (
        N_("Only %(available)s of %(memory)s of memory are free."),
        N_("Stop other programs, or give the machine more memory; a server process takes about 1 GB."),
    ),
    "disk": (N_("%(free)s free on the disk of the home directory"), ""),
    "disk_low": (
        N_("Only %(free)s are free on the disk of the home directory."),
        N_(
            "Make room soon: the index is written beside the present one. kollega gc removes what "
            "interrupted runs left."
        ),
    ),
    "disk_full": (
        N_("The disk of the home directory is full: only %(free)s are free."),
        N_("Make room, then start Kollega again; what was saved before is still there."),
    ),
    "inodes_low": (
        N_("The file system of the home directory has room for only %(free)s more files (free inodes)."),
        N_("Delete small files that nobody needs, or move the home directory to another file system."),
    ),
    "home": (N_("The home directory can be read and written."), ""),
    "home_missing": (
        N_("There is no home directory."),
        N_("Check KOLLEGA_HOME. On a new installation run: kollega demo, or kollega serve."),
    ),
    "home_unwritable": (
        N_("Nothing can be written into the home directory: %(reason)s."),
        N_("Check that the disk is not full or read-only, and that the account that runs Kollega owns the directory."),
    ),
    "permissions": (N_("Only the account that runs Kollega can read its files."), ""),
    "permissions_open": (
        N_("Files and folders with confidential content that other accounts can read: %(count)s."),
        N_("In the home directory run: chmod -R go= ."),
    ),
    "permissions_foreign": (
        N_("Files and folders in the home directory that belong to another account: %(count)s."),
        N_("Run every command as the account that runs Kollega, and give it the files (chown)."),
    ),
    # settings
    "settings": (N_("All settings are known. Those that differ from their defaults: %(count)s."), ""),
    "settings_unknown": (
        N_("Variables that are no settings: %(names)s."),
        N_("Correct how they are spelt (docs/settings.md lists all), or remove them."),
    ),
    "settings_wrong": (
        N_("The value of %(name)s cannot be used. Everything else was checked as if it had its default."),
        N_("Correct it as docs/settings.md says. kollega status says what is expected."),
    ),
    "secret_key": (N_("The key that signs sign-ins and links is there."), ""),
    "secret_key_not_made": (N_("The key that signs sign-ins and links is made when the server starts."), ""),
    "secret_key_shared": (
        N_("The database is on a server, which several machines may use, and KOLLEGA_SECRET_KEY is not set."),
        N_("If several machines serve the pages, set the same KOLLEGA_SECRET_KEY on all of them."),
    ),
    "address": (N_("People use an address with https."), ""),
    "address_local": (N_("No address is set (KOLLEGA_PUBLIC_URL); the server only listens on this machine."), ""),
    "address_missing": (
        N_("The server listens for other machines, and KOLLEGA_PUBLIC_URL is not set."),
        N_("Put a proxy with HTTPS in front and set KOLLEGA_PUBLIC_URL (docs/deployment.md)."),
    ),
    "address_plain": (
        N_("KOLLEGA_PUBLIC_URL does not begin with https://, so passwords and cookies can be read on the way."),
        N_("Put a proxy with HTTPS in front (docs/deployment.md), and set the address with https://."),
    ),
    "time_zone": (N_("Days and times are shown in the time zone %(zone)s; there it is %(now)s."), ""),
    # the database
    "database": (N_("%(kind)s, %(size)s, tables of version %(revision)s"), ""),
    "database_missing": (
        N_("There is no database."),
        N_("Check KOLLEGA_HOME and KOLLEGA_DATABASE. A new one is made by kollega serve; or restore a backup."),
    ),
    "database_older": (
        N_("The tables are of an older version of Kollega (%(revision)s; this one needs %(wanted)s)."),
        N_("Stop the server and run: kollega upgrade"),
    ),
    "database_newer": (
        N_("The tables are of a newer version of Kollega (%(revision)s; this one knows up to %(wanted)s)."),
        N_("Install that version of Kollega again, or restore a backup that this version made."),
    ),
    "database_away": (
        N_("The server of the database does not answer, or it refuses Kollega (%(code)s)."),
        N_("Check that it runs, and the host, name and password in KOLLEGA_DATABASE. kollega status says more."),
    ),
    "database_unusable": (
        N_("The database cannot be opened or read (%(code)s)."),
        N_("Check that there is room on the disk, and who owns the files. kollega status says more."),
    ),
    "database_damaged": (
        N_("The database finds damage in itself."),
        N_("Stop Kollega and restore a backup: kollega restore FILE. Keep the damaged file until that has worked."),
    ),
    "database_whole": (N_("The database finds no damage in itself."), ""),
    "clock": (N_("The clocks of this machine and of the database agree."), ""),
    "clock_differs": (
        N_("The clocks of this machine and of the database are %(seconds)s s apart."),
        N_("Let both machines set their clocks by a time server (NTP)."),
    ),
    "clock_future": (
        N_("The newest change in the database lies %(minutes)s min in the future."),
        N_("Check the clock of this machine, and of those that wrote the data."),
    ),
    "backup": (N_("The last backup was made on %(day)s."), ""),
    "backup_old": (
        N_("The last backup with kollega backup was made on %(day)s, %(days)s days ago."),
        N_("Run kollega backup FILE every night (docs/administration.md), unless you make backups in another way."),
    ),
    "backup_never": (
        N_("No backup was ever made with kollega backup."),
        N_("Run kollega backup FILE every night (docs/administration.md), unless you make backups in another way."),
    ),
    # work in the background
    "watcher": (N_("kollega watch runs."), ""),
    "watcher_missing": (
        N_("kollega watch does not run: what people write is not found, and no mail is sent."),
        N_("Start kollega watch, as docs/deployment.md says."),
    ),
    "watcher_unknown": (
        N_("Whether kollega watch runs cannot be told, because nothing can be written into the home directory."),
        N_("Mend the home directory first, as is said of it here."),
    ),
    "watcher_no_index": (
        N_("No kollega watch brings this machine's index up to date."),
        N_("Start kollega watch on this machine too."),
    ),
    "jobs": (N_("Jobs that wait: %(waiting)s."), ""),
    "jobs_stuck": (
        N_("Jobs that wait: %(waiting)s, the oldest of them for %(hours)s h."),
        N_("Check that kollega watch runs, and look into its log."),
    ),
    "jobs_failed": (
        N_("Jobs that have failed in the last week: %(failed)s."),
        N_("Look into the log of kollega watch for what could not be loaded."),
    ),
    "mail_queue": (N_("Mails that wait to be sent: %(waiting)s."), ""),
    "mail_failed": (
        N_("Mails that could not be sent and were given up: %(failed)s."),
        N_("Check KOLLEGA_MAIL_SERVER and KOLLEGA_MAIL_FROM, and the log of kollega watch."),
    ),
    "sources": (N_("Sources that were read without errors: %(count)s."), ""),
    "sources_none": (N_("No source is read regularly."), ""),
    "sources_failed": (
        N_("Sources that could not be read at their last run: %(failed)s of %(count)s."),
        N_("Run kollega sources, which says what went wrong with each."),
    ),
    "sources_problems": (
        N_("Sources of which some items could not be used: %(count)s."),
        N_("Run kollega sources, which lists them."),
    ),
    # search
    "index": (N_("%(generation)s, made on %(day)s: %(items)s items, %(passages)s passages"), ""),
    "index_missing": (N_("There is no index, so nothing is found."), N_("Run: kollega reindex")),
    "index_of_other_version": (
        N_(
            "The index was made by another version of Kollega, which read words in another way, so it "
            "cannot be searched."
        ),
        N_("Run: kollega reindex --full"),
    ),
    "index_keywords_of_earlier_version": (
        N_("Search by words cannot be used, because another version of Kollega made its part of the index."),
        N_("Run: kollega reindex"),
    ),
    "index_damaged": (N_("Files of the index are missing or damaged."), N_("Run: kollega verify --repair")),
    "index_unopened": (
        N_("The index cannot be opened, because nothing can be written into its folder."),
        N_("Let the account that runs Kollega write there. The index itself need not be built anew."),
    ),
    "index_away": (N_("The server of the index (Milvus) does not answer."), N_("Start it, and check KOLLEGA_MILVUS.")),
    "index_whole": (N_("The files of the index agree with their checksums."), ""),
    "index_current": (N_("Every change in the database is in the index."), ""),
    "index_waits": (N_("Changes that wait for the index: %(waiting)s, the oldest for %(minutes)s min."), ""),
    "index_behind": (
        N_("Changes that wait for the index: %(waiting)s, the oldest for %(minutes)s min."),
        N_("Check that kollega watch runs, or run: kollega reindex"),
    ),
    "index_unknown": (
        N_("Nobody has noted how far the index is behind the database."),
        N_("Start kollega watch, or run: kollega reindex"),
    ),
    "model": (
        N_("%(model)s (%(dimension)s dimensions), run by %(backend)s, gives the vectors that are expected."),
        "",
    ),
    "model_unchecked": (N_("%(model)s (%(dimension)s dimensions), run by %(backend)s, can be run."), ""),
    "model_missing": (
        N_("The model cannot be loaded (%(error)s): only words are searched, not meanings."),
        N_("Run: kollega prepare. Then check KOLLEGA_MODEL and KOLLEGA_BACKEND."),
    ),
    "model_damaged": (
        N_("Files of the model or of the dictionaries are missing or damaged."),
        N_("Run: kollega prepare. Then start Kollega again."),
    ),
    "model_wrong": (
        N_("The model gives other vectors than it should."),
        N_("Run: kollega verify, then kollega prepare. If that does not help, set KOLLEGA_BACKEND=torch."),
    ),
    "model_other": (
        N_("The index was made with another model than the one that is set."),
        N_("Run: kollega reindex --full, or unset KOLLEGA_MODEL."),
    ),
    "synonyms": (N_("Rules of synonyms in use: %(rules)s."), ""),
    "synonyms_wrong": (
        N_("The file synonyms.txt cannot be used: line %(line)s is wrong, or it is not in UTF-8."),
        N_("Correct it, as docs/administration.md says. kollega status says what is wrong."),
    ),
    "learned": (N_("What was learned from your own history is in use."), ""),
    "learned_none": (
        N_("The weights that ship with Kollega are in use; nothing was learned from your own history."),
        "",
    ),
    "learned_wrong": (
        N_("What was learned from your own history is damaged, so the weights that ship with Kollega are used."),
        N_("Run: kollega calibrate, and kollega train-experts"),
    ),
    # the network
    "mail": (N_("The mail server takes mail from Kollega."), ""),
    "mail_none": (N_("No mail server is set, so no mail is sent."), ""),
    "mail_away": (
        N_("The mail server cannot be reached (%(error)s)."),
        N_("Check the host and port in KOLLEGA_MAIL_SERVER, and that the firewall lets this machine connect."),
    ),
    "mail_no_host": (
        N_("The host in KOLLEGA_MAIL_SERVER is not known to this machine."),
        N_("Correct its name, or the name server (DNS) of this machine."),
    ),
    "mail_certificate": (
        N_("The certificate of the mail server cannot be checked."),
        N_("Use the host name that stands in the certificate, or add your authority to this machine."),
    ),
    "mail_refused": (
        N_("The mail server refuses the user or password of KOLLEGA_MAIL_SERVER (code %(code)s)."),
        N_("Correct them; special characters have to be written as in a web address (%%40 for @)."),
    ),
    "mail_sender_refused": (
        N_("The mail server refuses the sender KOLLEGA_MAIL_FROM (code %(code)s)."),
        N_("Set an address that this server may send from, or let it take mail from this machine."),
    ),
    "mail_unencrypted": (
        N_("The mail server offers no encryption, so no password is sent to it and no mail can be sent."),
        N_("Use smtps:// or a server that offers STARTTLS."),
    ),
    "oidc": (N_("The OpenID provider answers."), ""),
    "oidc_none": (N_("No OpenID provider is set; people sign in with passwords."), ""),
    "oidc_away": (
        N_("The OpenID provider cannot be reached (%(error)s)."),
        N_("Check KOLLEGA_OIDC_ISSUER, and that the firewall lets this machine connect."),
    ),
    "oidc_wrong": (
        N_("What answers at KOLLEGA_OIDC_ISSUER is no OpenID provider of that name (code %(code)s)."),
        N_("Copy the issuer's address exactly as the provider shows it."),
    ),
    "oidc_faults": (
        N_("The OpenID provider answers, but signing in with it may fail (%(faults)s)."),
        N_("The page Signing in of the administration tests it and says what to do."),
    ),
}
"""By the code of a finding. `%%` is a percent sign in a text with values."""
