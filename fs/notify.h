/*
 * Tells systemd that the mount is ready (sd_notify's protocol: one datagram).
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

/* Does nothing where nobody wants to know ($NOTIFY_SOCKET). */
void notify_ready(void);

#endif
