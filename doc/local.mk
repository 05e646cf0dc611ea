# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# manual pages and the served openapi document
dist_man_MANS += doc/bookingd.8 doc/bookingd.yaml.5

# An example, never the operator's own file, which an installation must not touch.
exampledir = $(docdir)/examples
dist_example_DATA = etc/bookingd.yaml doc/proxy/nginx.conf doc/proxy/haproxy.cfg \
  doc/proxy/cells.haproxy.cfg
examplehadir = $(exampledir)/ha
dist_exampleha_DATA = etc/ha/patroni.yml etc/ha/etcd.env etc/ha/haproxy.cfg \
  etc/ha/patroni-restart.conf
exampleprometheusdir = $(exampledir)/prometheus
dist_exampleprometheus_DATA = etc/prometheus/bookingd.rules.yml \
  etc/prometheus/bookingd.rules.test.yml etc/prometheus/prometheus.yml
examplegrafanadir = $(exampledir)/grafana
dist_examplegrafana_DATA = etc/grafana/bookingd.json
dist_doc_DATA = README.md doc/BEHAVIOUR.md doc/OPERATIONS.md doc/RUNBOOK.md \
  doc/PERFORMANCE.md doc/flame-book.svg doc/status.png doc/desk.png doc/SYSTEMD.md \
  doc/HA.md doc/SCALE.md
