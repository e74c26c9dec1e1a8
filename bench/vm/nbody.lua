-- Five bodies that pull at each other: fields and floating point.
local function sqrt(x)
  if x == 0 then return 0 end
  local guess = x
  if guess < 1 then guess = 1 end
  for _ = 1, 12 do guess = (guess + x / guess) / 2 end
  return guess
end
local function body(x, y, z, vx, vy, vz, mass)
  return {x = x, y = y, z = z, vx = vx, vy = vy, vz = vz, mass = mass, next = nil}
end
local function advance(first, dt)
  local a = first
  while a ~= nil do
    local b = a.next
    while b ~= nil do
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      local d2 = dx * dx + dy * dy + dz * dz
      local mag = dt / (d2 * sqrt(d2))
      a.vx = a.vx - dx * b.mass * mag
      a.vy = a.vy - dy * b.mass * mag
      a.vz = a.vz - dz * b.mass * mag
      b.vx = b.vx + dx * a.mass * mag
      b.vy = b.vy + dy * a.mass * mag
      b.vz = b.vz + dz * a.mass * mag
      b = b.next
    end
    a = a.next
  end
  a = first
  while a ~= nil do
    a.x = a.x + dt * a.vx
    a.y = a.y + dt * a.vy
    a.z = a.z + dt * a.vz
    a = a.next
  end
end
local function energy(first)
  local e = 0
  local a = first
  while a ~= nil do
    e = e + 0.5 * a.mass * (a.vx * a.vx + a.vy * a.vy + a.vz * a.vz)
    local b = a.next
    while b ~= nil do
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      e = e - a.mass * b.mass / sqrt(dx * dx + dy * dy + dz * dz)
      b = b.next
    end
    a = a.next
  end
  return e
end
local function main(n)
  local sun = body(0, 0, 0, 0, 0, 0, 39.47841760435743)
  sun.next = body(4.84143144246472, -1.16032004402743, -0.10362204447112, 0.60632639299583, 2.81198684491626, -0.02521836165988, 0.03769367487039)
  sun.next.next = body(8.34336671824458, 4.12479856412430, -0.40352341711432, -1.01077434617879, 1.82566237123041, 0.00841576137658, 0.01128632613196)
  sun.next.next.next = body(12.8943695621391, -15.1111514016986, -0.22330757889266, 1.08279100644153, 0.86871301816960, -0.01083263740136, 0.00172372405706)
  sun.next.next.next.next = body(15.3796971148509, -25.9193146099879, 0.17925877295037, 0.97909073224389, 0.59469899864767, -0.03475595555078, 0.00203368686992)
  print(string.format("%g", energy(sun)))
  for _ = 1, n do advance(sun, 0.01) end
  print(string.format("%g", energy(sun)))
end
main(io.read("n"))
