-- Every secret, or the one that the parameter names; answered in status.lastHandledRotateNow.
-- What follows the @ tells this request from the one before.
local os = require("os")
local wanted = actionParams ~= nil and actionParams["secret"] or ""
local time = os.date("!%Y%m%dT%H%M%SZ")
local requests = {}
for _, secret in ipairs(obj.spec.secrets or {}) do
  if wanted == "" or wanted == secret.name then
    table.insert(requests, secret.name .. "@" .. time)
  end
end
if #requests == 0 then
  error("the workflow declares no secret " .. wanted, 0)
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["wardkeeper.io/rotate-now"] = table.concat(requests, ",")
return obj
