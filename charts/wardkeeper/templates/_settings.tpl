{{- /*
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0

The operator's settings file, from the values that have a name of their own and from `settings`.
*/ -}}

{{- define "wardkeeper.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $logging := merge (dict "level" .Values.logLevel) ($settings.logging | default dict) -}}
{{- $operator := dict "namespace" .Release.Namespace "serviceAccount" .Values.serviceAccount.name -}}
{{- $own := dict "namespaces" .Values.namespaces "operator" $operator "logging" $logging -}}
{{- if .Values.canary.enabled -}}
{{- $_ := set $own "verification" (dict "canary" "Enabled" "image" (include "wardkeeper.image" .)) -}}
{{- end -}}
{{- with .Values.vault -}}
{{- if .address -}}
{{- $vault := omit . "ca" "databaseCa" "namespace" -}}
{{- with .namespace }}{{ $_ := set $vault "namespace" . }}{{ end -}}
{{- if .ca.configMap }}{{ $_ := set $vault "caFile" "/etc/wardkeeper-vault-ca/ca.pem" }}{{ end -}}
{{- if .databaseCa.configMap }}{{ $_ := set $vault "databaseCaFile" "/etc/wardkeeper-database-ca/ca.pem" }}{{ end -}}
{{- $_ := set $own "vault" $vault -}}
{{- end -}}
{{- end -}}
{{- toYaml (merge $own $settings) -}}
{{- end -}}
