-- Method calls on one class, with a superclass in the way.
local Toggle = {}
Toggle.__index = Toggle
function Toggle.new(state) local self = setmetatable({}, Toggle); self:init(state); return self end
function Toggle:init(state) self.state = state end
function Toggle:value() return self.state end
function Toggle:activate() self.state = not self.state; return self end
local NthToggle = setmetatable({}, {__index = Toggle})
NthToggle.__index = NthToggle
function NthToggle.new(state, max) local self = setmetatable({}, NthToggle); self:init(state, max); return self end
function NthToggle:init(state, max) Toggle.init(self, state); self.max = max; self.count = 0 end
function NthToggle:activate()
  self.count = self.count + 1
  if self.count >= self.max then Toggle.activate(self); self.count = 0 end
  return self
end
local function main(n)
  local on = 0
  local toggle = Toggle.new(true)
  for _ = 1, n do if toggle:activate():value() then on = on + 1 end end
  local third = NthToggle.new(true, 3)
  for _ = 1, n do if third:activate():value() then on = on + 1 end end
  return on
end
print(string.format("%g", main(io.read("n"))))
