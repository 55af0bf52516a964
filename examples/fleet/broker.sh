#!/bin/sh
# broker.sh: prepares RabbitMQ for poller.conf and central.conf. Run it once, on one of the nodes, when all
# nodes are up and before the first collectd is started. It reads the password from standard input.
#
# Each node gets a copy of the queue: since 3.12 by quorum queues, before that by mirrored ones. collectd
# declares its queue without a type, so the virtual host's default type applies. Before 3.12, a quorum queue
# loses messages, without an error, from connections that were opened while it had no leader
# (rabbitmq-server issue 9208).
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
