#!/bin/sh
# broker.sh: prepares RabbitMQ for poller.conf and central.conf: once, on one of its nodes, when all are
# there, and before the first collectd is started. Standard input is the password.
#
# Each node has a copy of the queue: of the kind that mirrors make, or, as collectd does not say which type
# it wants, of the type that the virtual host has for those. Before 3.12, quorum queues are not to be used:
# they lose, without a message, all from a connection that was made while they had no leader, until the
# node that was it is back (rabbitmq-server issue 9208).
set -eu
rabbitmqctl add_user collectd
case $(rabbitmqctl version) in
  3.[0-9].* | 3.1[01].*)
    rabbitmqctl add_vhost cemm
    rabbitmqctl set_policy --vhost cemm mirrors '^cemm$' '{"ha-mode": "all", "ha-sync-mode": "automatic"}'
    ;;
  *) rabbitmqctl add_vhost cemm --default-queue-type quorum ;;
esac
rabbitmqctl set_permissions --vhost cemm collectd '.*' '.*' '.*'
