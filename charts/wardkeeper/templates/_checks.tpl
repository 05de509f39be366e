{{- /*
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0

What values.schema.json cannot refuse.
*/ -}}

{{- define "wardkeeper.check" -}}
{{- include "wardkeeper.checkMonitoring" . -}}
{{- include "wardkeeper.checkCanary" . -}}
{{- include "wardkeeper.checkLabels" . -}}
{{- include "wardkeeper.checkNames" . -}}
{{- include "wardkeeper.checkTimes" . -}}
{{- include "wardkeeper.checkVault" . -}}
{{- include "wardkeeper.checkGrants" . -}}
{{- include "wardkeeper.checkCluster" . -}}
{{- include "wardkeeper.checkDefinitions" . -}}
{{- end -}}

{{- define "wardkeeper.checkDefinitions" -}}
{{- if not .Values.crds.keep -}}
{{- fail "crds.keep is false, but Helm never takes the definitions away: with them it would delete every workflow, and those with secrets would wait for an operator that is gone; leave it true, and after `helm uninstall` delete the definitions with kubectl" -}}
{{- end -}}
{{- end -}}

{{- define "wardkeeper.checkMonitoring" -}}
{{- $kinds := dict "serviceMonitor" "ServiceMonitor" "podMonitor" "PodMonitor" "prometheusRule" "PrometheusRule" -}}
{{- range $value, $kind := $kinds -}}
{{- $wanted := index $.Values $value -}}
{{- if and $wanted.enabled (not ($.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" $kind))) -}}
{{- fail (printf "%s.enabled is true, but this cluster has no kind %s of monitoring.coreos.com/v1: install Prometheus Operator first, or leave %s.enabled false (rendering without a cluster: --api-versions monitoring.coreos.com/v1/%s)" $value $kind $value $kind) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled are both true: every sample would be stored twice; enable one" -}}
{{- end -}}
{{- $known := list -}}
{{- range (.Files.Get "files/rules.yaml" | fromYaml).groups -}}
{{- range .rules }}{{ $known = append $known .alert }}{{ end -}}
{{- end -}}
{{- range .Values.prometheusRule.disabled -}}
{{- if not (has . $known) -}}
{{- fail (printf "prometheusRule.disabled names %s, which is no alert of this chart; known: %s" . (join ", " $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "wardkeeper.checkCanary" -}}
{{- if and .Values.canary.enabled (not .Values.image.digest) -}}
{{- fail "canary.enabled is true and image.digest is empty: the canary is a workflow, and a workflow names its image by digest; set image.digest" -}}
{{- end -}}
{{- if and .Values.canary.enabled (eq .Values.scope "Namespaces") (not (has .Release.Namespace .Values.namespaces)) -}}
{{- fail (printf "canary.enabled is true and namespaces lacks %s, where the canary lives: add it, or leave canary.enabled false" .Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{- define "wardkeeper.checkLabels" -}}
{{- range $value := list "commonLabels" "podLabels" -}}
{{- range $key, $_ := index $.Values $value -}}
{{- if hasPrefix "wardkeeper.io/" $key -}}
{{- fail (printf "%s names %s: labels of wardkeeper.io tell which pods are a workflow's, and the API server would refuse the operator's own; choose another prefix" $value $key) -}}
{{- end -}}
{{- if hasPrefix "rbac.authorization.k8s.io/" $key -}}
{{- fail (printf "%s names %s, by which Kubernetes adds ClusterRoles to others: people would be given what the operator may do; choose another prefix" $value $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "wardkeeper.checkNames" -}}
{{- $own := dict
  "extraEnv" (list "POD_NAME" "POD_UID" "POD_IP" "PYTHONDONTWRITEBYTECODE")
  "extraVolumes" (list "settings" "api-token" "vault-token" "vault-ca" "database-ca")
-}}
{{- range $value, $names := $own -}}
{{- range $index, $one := index $.Values $value -}}
{{- if has $one.name $names -}}
{{- fail (printf "%s[%d] has the name %s, which the chart gives itself; choose another one" $value $index $one.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Seconds of a duration such as 1m30s; a number is of seconds. */ -}}
{{- define "wardkeeper.seconds" -}}
{{- $total := 0 -}}
{{- if kindIs "string" . -}}
{{- range $unit, $seconds := dict "h" 3600 "m" 60 "s" 1 -}}
{{- $number := regexFind (printf "[0-9]+%s" $unit) $ | trimSuffix $unit | atoi -}}
{{- $total = add $total (mul $seconds $number) -}}
{{- end -}}
{{- else -}}
{{- $total = int . -}}
{{- end -}}
{{- $total -}}
{{- end -}}

{{- /* The operator would not start, and an upgrade would wait for it. */ -}}
{{- define "wardkeeper.checkTimes" -}}
{{- $election := .Values.settings.leaderElection | default dict -}}
{{- $duration := $election.duration | default "15s" -}}
{{- $deadline := $election.deadline | default "10s" -}}
{{- $retry := $election.retry | default "2s" -}}
{{- $rotation := .Values.settings.rotation | default dict -}}
{{- $times := list
  (list "settings.leaderElection.duration" $duration 1 3600)
  (list "settings.leaderElection.deadline" $deadline 1 3600)
  (list "settings.leaderElection.retry" $retry 1 3600)
  (list "settings.rotation.collect" ($rotation.collect | default 0) 0 3600)
  (list "settings.rotation.verifyWindow" ($rotation.verifyWindow | default 0) 0 3600)
  (list "settings.rotation.minRestartInterval" ($rotation.minRestartInterval | default 0) 0 86400)
  (list "vault.tokenPeriod" .Values.vault.tokenPeriod 60 2592000)
-}}
{{- range $times -}}
{{- $found := include "wardkeeper.seconds" (index . 1) | atoi -}}
{{- if or (lt $found (index . 2)) (gt $found (index . 3)) -}}
{{- fail (printf "%s: found %v, wanted %d to %d seconds" (index . 0) (index . 1) (index . 2) (index . 3)) -}}
{{- end -}}
{{- end -}}
{{- $inOrder := list $retry $deadline $duration -}}
{{- range $index := list 0 1 -}}
{{- $less := include "wardkeeper.seconds" (index $inOrder $index) | atoi -}}
{{- if ge $less (include "wardkeeper.seconds" (index $inOrder (add $index 1)) | atoi) -}}
{{- fail (printf "settings.leaderElection: found duration %v, deadline %v and retry %v, wanted retry less than deadline, and deadline less than duration" $duration $deadline $retry) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "wardkeeper.checkVault" -}}
{{- $port := regexFind ":[0-9]+$" (urlParse .Values.vault.address).host | trimPrefix ":" -}}
{{- if gt (atoi $port) 65535 -}}
{{- fail (printf "vault.address: found port %s, wanted 1 to 65535" $port) -}}
{{- end -}}
{{- end -}}

{{- define "wardkeeper.checkGrants" -}}
{{- range $index, $rule := .Values.grantableRules -}}
{{- if and (has "secrets" $rule.resources) (not $rule.resourceNames) -}}
{{- fail (printf "grantableRules[%d] names secrets without resourceNames: workflows could be given every Secret of their namespace; name those that may be read" $index) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "wardkeeper.checkCluster" -}}
{{- /* Without a cluster, lookup finds nothing at all. */ -}}
{{- if lookup "v1" "Namespace" "" "kube-system" -}}
{{- /* The release's own may be made along with the release, by --create-namespace. */ -}}
{{- range without .Values.namespaces .Release.Namespace -}}
{{- if not (lookup "v1" "Namespace" "" .) -}}
{{- fail (printf "namespaces names %s, which does not exist: kubectl create namespace %s" . .) -}}
{{- end -}}
{{- end -}}
{{- include "wardkeeper.checkAccount" . -}}
{{- end -}}
{{- end -}}

{{- define "wardkeeper.checkAccount" -}}
{{- if not .Values.serviceAccount.create -}}
{{- $name := .Values.serviceAccount.name -}}
{{- $found := lookup "v1" "ServiceAccount" .Release.Namespace $name -}}
{{- if not $found -}}
{{- fail (printf "serviceAccount.create is false and there is no ServiceAccount %s in namespace %s: kubectl create serviceaccount %s --namespace %s" $name .Release.Namespace $name .Release.Namespace) -}}
{{- end -}}
{{- $annotations := dig "metadata" "annotations" dict $found -}}
{{- $ours := eq (dig "meta.helm.sh/release-name" "" $annotations) .Release.Name -}}
{{- if and $ours (ne (dig "helm.sh/resource-policy" "" $annotations) "keep") -}}
{{- fail (printf "serviceAccount.create is false, so this release would delete ServiceAccount %s, which it made, from under the operator: kubectl annotate serviceaccount %s --namespace %s helm.sh/resource-policy=keep" $name $name .Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
