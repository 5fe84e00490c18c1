#!/bin/bash
# PID 1 of a pool: gives the container its address, runs HTCondor, reaps what
# jobs leave behind, and ends with HTCondor.
set -eu
ip link set lo up
# A daemon whose address does not exist yet waits minutes for its parent.
ip addr add 10.99.0.1/24 dev lo
mkdir -p /run/condor /run/lock/condor /run/sshd
chown condor:condor /run/condor /run/lock/condor /var/lib/condor/execute
chmod 755 /var/lib/condor/execute
exec 2>&1
condor_master -f &
wait $!
