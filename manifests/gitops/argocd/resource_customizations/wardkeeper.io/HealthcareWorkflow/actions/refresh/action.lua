-- Answered in status.lastHandledReconcileAt.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["wardkeeper.io/reconcile-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
