-- What was observed speaks only of the generation it names: an old Ready is no Ready.
local health = {status = "Progressing", message = "Waiting for Wardkeeper to look at this generation"}

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "Being deleted"
  return health
end
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.observedGeneration == obj.metadata.generation then
    local told = condition.reason .. ": " .. condition.message
    if condition.type == "Stalled" and condition.status == "True" then
      return {status = "Degraded", message = told}
    end
    if condition.type == "Ready" then
      health.status = condition.status == "True" and "Healthy" or "Progressing"
      health.message = told
    end
  end
end
return health
