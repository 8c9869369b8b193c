{{/*
What the schema can't say: values that contradict each other, each refused with both names, what was found and what
was wanted. Included by the ConfigMap, which every release has.
*/}}

{{/* The bytes of a quantity such as 512Mi, as a whole number. */}}
{{- define "onoma.bytes" -}}
{{- $quantity := toString . -}}
{{- $factors := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "" 1 -}}
{{- $unit := regexFind "[A-Za-z]*$" $quantity -}}
{{- if not (hasKey $factors $unit) -}}
{{- fail (printf "resources.limits.memory: found %s, wanted a quantity such as 512Mi or 6Gi" $quantity) -}}
{{- end -}}
{{- mulf (trimSuffix $unit $quantity | float64) (get $factors $unit) | int64 -}}
{{- end -}}

{{- define "onoma.checks" -}}
{{- include "onoma.checkWorkload" . -}}
{{- include "onoma.checkSettings" . -}}
{{- include "onoma.checkKafka" . -}}
{{- include "onoma.checkArtefacts" . -}}
{{- include "onoma.checkScaling" . -}}
{{- include "onoma.checkRest" . -}}
{{- end -}}

{{- define "onoma.checkWorkload" -}}
{{- with .Values.workload -}}
{{- if and (eq .kind "Deployment") (eq .membership "static") -}}
{{- fail "workload.membership: found static with workload.kind Deployment, wanted dynamic, or kind StatefulSet: pods of a Deployment have no names that last, and two members with one id throw each other out" -}}
{{- end -}}
{{- $wanted := addf $.Values.settings.shutdown.drain_seconds 10 -}}
{{- if lt (float64 .terminationGraceSeconds) $wanted -}}
{{- fail (printf "workload.terminationGraceSeconds: found %v, wanted at least %v, which is settings.shutdown.drain_seconds (%v) and 10: a pod that is killed while it drains reads its documents again" .terminationGraceSeconds $wanted $.Values.settings.shutdown.drain_seconds) -}}
{{- end -}}
{{- end -}}
{{- with .Values.settings.quarantine -}}
{{- $limit := include "onoma.bytes" $.Values.resources.limits.memory | int64 -}}
{{- $wanted := add (int64 .memory_bytes) 1073741824 -}}
{{- if and .enabled (lt $limit $wanted) -}}
{{- fail (printf "resources.limits.memory: found %v, wanted at least %d bytes, which is settings.quarantine.memory_bytes (%d) and a gibibyte for the worker: else a large document ends the pod, not its trial" $.Values.resources.limits.memory $wanted (int64 .memory_bytes)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Knobs that the chart is in charge of, and what would put a secret into a ConfigMap. */}}
{{- define "onoma.checkSettings" -}}
{{- $instead := dict
  "kafka.sasl_username" "sasl.existingSecret"
  "kafka.sasl_password" "sasl.existingSecret"
  "kafka.ssl_key_password" "tls.keyPasswordKey"
  "kafka.ssl_ca_file" "tls.existingSecret or tls.caConfigMap"
  "kafka.ssl_certificate_file" "tls.clientCertificate"
  "kafka.ssl_key_file" "tls.clientCertificate"
  "kafka.group_instance_id" "workload.membership"
  "server.host" "nothing: it is 0.0.0.0 in a pod"
  "model.path" "model.source and model.path"
  "store.path" "store.enabled"
  "store.public_key_file" "store.publicKeys"
  "policy.path" "policy"
-}}
{{- range $knob, $value := $instead -}}
{{- $parts := splitList "." $knob -}}
{{- if hasKey (get $.Values.settings (first $parts) | default dict) (last $parts) -}}
{{- fail (printf "settings.%s: found a value, wanted %s in its place" $knob $value) -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if hasPrefix "ONOMA_" (upper .name) -}}
{{- fail (printf "extraEnv: found %s, wanted it below settings, where it is checked, or in a secret of sasl or tls" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "onoma.checkKafka" -}}
{{- $protocol := .Values.settings.kafka.security_protocol -}}
{{- $sasl := include "onoma.sasl" . -}}
{{- if and $sasl (not .Values.sasl.existingSecret) -}}
{{- fail (printf "sasl.existingSecret: found none, wanted the secret with user and password that settings.kafka.security_protocol %s asks for" $protocol) -}}
{{- end -}}
{{- if and .Values.sasl.existingSecret (not $sasl) -}}
{{- fail (printf "sasl.existingSecret: found %s with settings.kafka.security_protocol %s, wanted SASL_SSL or SASL_PLAINTEXT" .Values.sasl.existingSecret $protocol) -}}
{{- end -}}
{{- with .Values.tls -}}
{{- $given := .existingSecret | default .caConfigMap -}}
{{- if and $given (not (include "onoma.tls" $)) -}}
{{- fail (printf "tls.%s: found %s with settings.kafka.security_protocol %s, wanted SSL or SASL_SSL" (ternary "existingSecret" "caConfigMap" (not (empty .existingSecret))) $given $protocol) -}}
{{- end -}}
{{- if and .clientCertificate (not .existingSecret) -}}
{{- fail "tls.clientCertificate: found true without tls.existingSecret, wanted the secret with certificate and private key" -}}
{{- end -}}
{{- if and .keyPasswordKey (not .clientCertificate) -}}
{{- fail (printf "tls.keyPasswordKey: found %s without tls.clientCertificate, wanted both" .keyPasswordKey) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "onoma.checkArtefacts" -}}
{{- include "onoma.checkArtefact" (list "model" .Values.model) -}}
{{- $names := dict -}}
{{- range .Values.lists -}}
{{- if hasKey $names .name -}}
{{- fail (printf "lists: found %s twice, wanted each name once" .name) -}}
{{- end -}}
{{- $_ := set $names .name true -}}
{{- include "onoma.checkArtefact" (list (printf "lists[%s]" .name) .) -}}
{{- end -}}
{{- if and .Values.store.publicKeys (not .Values.store.enabled) -}}
{{- fail "store.publicKeys: found keys without store.enabled, wanted both: without a store no notice is followed" -}}
{{- end -}}
{{- end -}}

{{- define "onoma.checkArtefact" -}}
{{- $where := index . 0 -}}
{{- with index . 1 -}}
{{- if and (eq .source "claim") (not .claim) -}}
{{- fail (printf "%s.claim: found none, wanted the name of the PersistentVolumeClaim that %s.source claim asks for" $where $where) -}}
{{- end -}}
{{- if and (eq .source "download") (not (and .url .sha256)) -}}
{{- fail (printf "%s.url and %s.sha256: found not both, wanted both with %s.source download: what is fetched is compared with its hash" $where $where $where) -}}
{{- end -}}
{{- if and (ne .source "claim") .claim -}}
{{- fail (printf "%s.claim: found %s with %s.source %s, wanted source claim" $where .claim $where .source) -}}
{{- end -}}
{{- if and (ne .source "download") (or .url .sha256) -}}
{{- fail (printf "%s.url: found an address or a hash with %s.source %s, wanted source download" $where $where .source) -}}
{{- end -}}
{{- if and (eq .source "image") .path (not (hasPrefix "/" .path)) -}}
{{- fail (printf "%s.path: found %s, wanted an absolute path of the image with %s.source image" $where .path $where) -}}
{{- end -}}
{{- if and (eq .source "claim") (hasPrefix "/" (.path | default "")) -}}
{{- fail (printf "%s.path: found %s, wanted a path inside of the claim, without a slash before it" $where .path) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "onoma.checkScaling" -}}
{{- $partitions := int .Values.partitions -}}
{{- with .Values.autoscaling -}}
{{- if eq .kind "none" -}}
{{- if and $partitions (gt (int $.Values.workload.replicas) $partitions) -}}
{{- fail (printf "workload.replicas: found %d, wanted at most partitions (%d): the others would idle" (int $.Values.workload.replicas) $partitions) -}}
{{- end -}}
{{- else -}}
{{- if not $partitions -}}
{{- fail (printf "partitions: found 0, wanted the number of partitions of %s with autoscaling.kind %s: more workers would idle" $.Values.settings.topics.documents .kind) -}}
{{- end -}}
{{- if gt (int .maxReplicas) $partitions -}}
{{- fail (printf "autoscaling.maxReplicas: found %d, wanted at most partitions (%d): the others would idle" (int .maxReplicas) $partitions) -}}
{{- end -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas: found %d, wanted at most autoscaling.maxReplicas (%d)" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "onoma.checkRest" -}}
{{- if and .Values.canary.enabled (not .Values.policy.canaries) -}}
{{- fail "canary.enabled: found true and no policy.canaries, wanted the hashes that `onoma canary show --policy` prints: else alerts about a canary would pass for real" -}}
{{- end -}}
{{- $watched := (.Values.settings.canary | default dict).lists -}}
{{- if and $watched (not (or .Values.lists .Values.store.enabled ((.Values.settings.gazetteers | default dict).lists))) -}}
{{- fail (printf "settings.canary.lists: found %s, wanted lists, store.enabled or settings.gazetteers.lists too: without them nothing is screened" (join ", " $watched)) -}}
{{- end -}}
{{- if and .Values.topicsJob.enabled (not (int .Values.partitions)) -}}
{{- fail "partitions: found 0, wanted the number of partitions that topicsJob.enabled makes topics with" -}}
{{- end -}}
{{- if and .Values.prometheusRule.enabled (not (include "onoma.rules" . | fromYamlArray)) -}}
{{- fail "prometheusRule.enabled: found true, and no rules in the chart, where monitoring is a link; wanted a package, or a copy that follows links" -}}
{{- end -}}
{{- if and .Values.dashboards.enabled (not (.Files.Glob "monitoring/dashboards/*.json")) -}}
{{- fail "dashboards.enabled: found true, and no dashboards in the chart, where monitoring is a link; wanted a package, or a copy that follows links" -}}
{{- end -}}
{{- end -}}
