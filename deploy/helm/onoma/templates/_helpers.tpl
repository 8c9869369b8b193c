{{/* Names, labels and the parts that more than one object has. */}}

{{- define "onoma.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters: a StatefulSet adds a number and a hash, jobs and dashboards their own name. */}}
{{- define "onoma.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "onoma.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "onoma.selector" -}}
app.kubernetes.io/name: onoma
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "onoma.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "onoma.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: onoma
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* What selects workers, and no job. Never changes with values: selectors can't be changed. */}}
{{- define "onoma.workerSelector" -}}
{{ include "onoma.selector" . }}
app.kubernetes.io/component: worker
{{- end -}}

{{- define "onoma.canarySelector" -}}
{{ include "onoma.selector" . }}
app.kubernetes.io/component: canary
{{- end -}}

{{- define "onoma.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "onoma.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "onoma.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "onoma.storeClaim" -}}
{{- .Values.store.existingClaim | default (printf "%s-store" (include "onoma.fullname" .)) -}}
{{- end -}}

{{- define "onoma.tls" -}}
{{- if hasSuffix "SSL" .Values.settings.kafka.security_protocol -}}true{{- end -}}
{{- end -}}

{{- define "onoma.sasl" -}}
{{- if hasPrefix "SASL" .Values.settings.kafka.security_protocol -}}true{{- end -}}
{{- end -}}

{{/* Whether there is an authority to mount: in a ConfigMap, or in the secret. */}}
{{- define "onoma.authority" -}}
{{- if and .Values.tls.caKey (or .Values.tls.caConfigMap .Values.tls.existingSecret) -}}true{{- end -}}
{{- end -}}

{{/* The settings file: what was given, and the knobs that the chart is in charge of. */}}
{{- define "onoma.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $_ := set $settings.server "host" "0.0.0.0" -}}
{{- if include "onoma.authority" . -}}
{{- $_ := set $settings.kafka "ssl_ca_file" "/etc/onoma/tls/ca.crt" -}}
{{- end -}}
{{- if .Values.tls.clientCertificate -}}
{{- $_ := set $settings.kafka "ssl_certificate_file" "/etc/onoma/tls/tls.crt" -}}
{{- $_ := set $settings.kafka "ssl_key_file" "/etc/onoma/tls/tls.key" -}}
{{- end -}}
{{- if .Values.policy -}}
{{- $_ := set $settings "policy" (dict "path" "/etc/onoma/policy.json") -}}
{{- end -}}
{{- $model := $settings.model | default dict -}}
{{- if ne .Values.model.source "image" -}}
{{- $_ := set $model "path" "/var/lib/onoma/model" -}}
{{- else if .Values.model.path -}}
{{- $_ := set $model "path" .Values.model.path -}}
{{- end -}}
{{- if $model -}}{{- $_ := set $settings "model" $model -}}{{- end -}}
{{- if .Values.lists -}}
{{- $gazetteers := $settings.gazetteers | default dict -}}
{{- $lists := $gazetteers.lists | default list -}}
{{- range .Values.lists -}}
{{- $lists = append $lists (printf "/var/lib/onoma/lists/%s" .name) -}}
{{- end -}}
{{- $_ := set $gazetteers "lists" $lists -}}
{{- $_ := set $settings "gazetteers" $gazetteers -}}
{{- end -}}
{{- if .Values.store.enabled -}}
{{- $store := $settings.store | default dict -}}
{{- $_ := set $store "path" "/var/lib/onoma/store" -}}
{{- if .Values.store.publicKeys -}}
{{- $_ := set $store "public_key_file" "/etc/onoma/store-public-keys.pem" -}}
{{- end -}}
{{- $_ := set $settings "store" $store -}}
{{- end -}}
{{ toYaml $settings }}
{{- end -}}

{{/* What the ConfigMap holds; its hash in the pods restarts them when it changes. */}}
{{- define "onoma.configuration" -}}
onoma.yaml: |
  {{- include "onoma.settings" . | nindent 2 }}
{{- if .Values.policy }}
policy.json: |
  {{- toJson .Values.policy | nindent 2 }}
{{- end }}
{{- if .Values.store.publicKeys }}
store-public-keys.pem: |
  {{- .Values.store.publicKeys | nindent 2 }}
{{- end }}
{{- if include "onoma.downloads" . | fromYamlArray }}
fetch.py: |
  {{- .Files.Get "files/fetch.py" | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Everything that is mounted from a claim or downloaded: the model, and lists. */}}
{{- define "onoma.artefacts" -}}
{{- if ne .Values.model.source "image" }}
- {{ toJson (merge (dict "name" "model" "at" "/var/lib/onoma/model") .Values.model) }}
{{- end }}
{{- range .Values.lists }}
- {{ toJson (merge (dict "name" (printf "list-%s" .name) "at" (printf "/var/lib/onoma/lists/%s" .name)) .) }}
{{- end }}
{{- end -}}

{{- define "onoma.downloads" -}}
{{- range include "onoma.artefacts" . | fromYamlArray }}
{{- if eq .source "download" }}
- {{ toJson . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "onoma.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.runAs.user }}
runAsGroup: {{ .Values.runAs.group }}
fsGroup: {{ .Values.runAs.group }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "onoma.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What a pod of a worker and that of a job have in common. */}}
{{- define "onoma.podSettings" -}}
serviceAccountName: {{ include "onoma.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "onoma.podSecurityContext" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Mounts that both need: settings, secrets, certificates, a place for temporary files. */}}
{{- define "onoma.commonMounts" -}}
- name: configuration
  mountPath: /etc/onoma
  readOnly: true
- name: temporary
  mountPath: /tmp
{{- if or (include "onoma.sasl" .) .Values.tls.keyPasswordKey }}
- name: secrets
  mountPath: /run/secrets/onoma
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Certificates lie in the projected volume of the settings: a mount inside a mount needs its directory first. */}}
{{- define "onoma.commonVolumes" -}}
- name: configuration
  projected:
    defaultMode: 288 # 0440: the owner and the group of runAs
    sources:
      - configMap:
          name: {{ include "onoma.fullname" . }}
      {{- if include "onoma.authority" . }}
      {{- if .Values.tls.caConfigMap }}
      - configMap:
          name: {{ .Values.tls.caConfigMap }}
          items:
            - key: {{ .Values.tls.caKey }}
              path: tls/ca.crt
      {{- else }}
      - secret:
          name: {{ .Values.tls.existingSecret }}
          items:
            - key: {{ .Values.tls.caKey }}
              path: tls/ca.crt
      {{- end }}
      {{- end }}
      {{- if .Values.tls.clientCertificate }}
      - secret:
          name: {{ .Values.tls.existingSecret }}
          items:
            - key: {{ .Values.tls.certificateKey }}
              path: tls/tls.crt
            - key: {{ .Values.tls.keyKey }}
              path: tls/tls.key
      {{- end }}
- name: temporary
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{- if or (include "onoma.sasl" .) .Values.tls.keyPasswordKey }}
- name: secrets
  projected:
    defaultMode: 288 # 0440
    sources:
      {{- if include "onoma.sasl" . }}
      - secret:
          name: {{ .Values.sasl.existingSecret }}
          items:
            - key: {{ .Values.sasl.usernameKey }}
              path: kafka__sasl_username
            - key: {{ .Values.sasl.passwordKey }}
              path: kafka__sasl_password
      {{- end }}
      {{- with .Values.tls.keyPasswordKey }}
      - secret:
          name: {{ $.Values.tls.existingSecret }}
          items:
            - key: {{ . }}
              path: kafka__ssl_key_password
      {{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
