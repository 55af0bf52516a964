#!/bin/sh
# broker.sh: prepares RabbitMQ for poller.conf and central.conf. Run it once, on one of the nodes, when all
# nodes are up and before the first collectd is started. It reads the password from standard input.
#
# Each node gets a copy of the queue. Since RabbitMQ 3.12 this is a quorum queue, before 3.12 a mirrored
# queue, because a quorum queue would lose messages, without an error, from connections that were opened
# while it had no leader (rabbitmq-server issue 9208). collectd declares its queue without a type, so the
# default type of the virtual host applies.
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
