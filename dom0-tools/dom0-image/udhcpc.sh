#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What udhcpc calls with the network's answer in its environment: gives the interface its address, route and name servers.
case "$1" in
deconfig)
    ip link set "$interface" up
    ip address flush dev "$interface"
    ;;
bound | renew)
    ip address replace "$ip/${mask:-24}" dev "$interface"
    for gateway in $router; do
        ip route replace default via "$gateway" dev "$interface"
    done
    : >/etc/resolv.conf
    for server in $dns; do
        echo "nameserver $server" >>/etc/resolv.conf
    done
    ;;
esac
