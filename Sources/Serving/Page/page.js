// The page of `mae serve`. It asks the server's own routes below /v1/ and draws what they answer.
//
//   picture ──► what the model sees (resized and cut by the server) ──► mask ──► filled in
//
// A lane is one model with one mask: the first is always there, a second one stands beside it when
// two models or two ratios are compared. Each lane has at most one request under way; what is painted
// meanwhile is asked for next, and only the latest.

const $ = (id) => document.getElementById(id)

const state = {
  models: [],
  file: null, // the picture as it was chosen
  hidden: [], // whether each patch of the first lane's model is hidden, row by row
  cursor: 0, // the patch that the keyboard is at
  patch: null, // whose attention is shown
  attention: null,
  token: new URLSearchParams(location.hash.slice(1)).get('token') ?? '',
}
if (state.token) history.replaceState(null, '', location.pathname)

// ---- Asking the server ------------------------------------------------------------------------

/** Asks a route; a refusal is an error with the server's own line. */
async function ask(route, options = {}) {
  const headers = state.token ? { Authorization: `Bearer ${state.token}` } : {}
  let answer
  try {
    answer = await fetch(route, { ...options, headers })
  } catch {
    throw new Error('The server does not answer. Is it still running?')
  }
  if (answer.ok) return answer
  if (answer.status === 401) askForToken()
  const line = await answer.json().then((body) => body.error, () => answer.statusText)
  throw Object.assign(new Error(line), { status: answer.status })
}

/** Sends an image with fields to a route and gives its JSON. */
async function askAbout(image, route, fields) {
  const form = new FormData()
  form.append('image', image)
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value))
  return (await ask(route, { method: 'POST', body: form })).json()
}

function askForToken() {
  if (!$('token-dialog').open) $('token-dialog').showModal()
}

$('token-use').addEventListener('click', () => {
  state.token = $('token').value.trim()
  $('token-dialog').close()
  start()
})

const report = (text) => { $('status').textContent = text }
const complain = (error) => { $('problem').textContent = error ? error.message : '' }

async function bitmapOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const blob = new Blob([bytes], { type: 'image/png' })
  return { blob, bitmap: await createImageBitmap(blob) }
}

// ---- Lanes ------------------------------------------------------------------------------------

class Lane {
  constructor(suffix) {
    this.suffix = suffix
    this.model = null
    this.views = new Map() // what each model sees of the picture
    this.filled = null // the latest reconstruction
    this.hidden = [] // the mask it was made with
    this.busy = false
    this.wanted = null // the request after the one under way
  }

  get view() { return this.views.get(this.model?.name) }

  /** Asks for a reconstruction; `mask` is `{hidden}` or `{strategy, ratio, seed}`. */
  async want(mask, since = performance.now()) {
    this.wanted = { mask, since }
    if (this.busy) return
    this.busy = true
    try {
      while (this.wanted) {
        const { mask, since } = this.wanted
        this.wanted = null
        await this.fill(mask, since)
      }
      complain(null)
    } catch (error) {
      complain(error)
    } finally {
      this.busy = false
    }
  }

  async fill(mask, since) {
    const { model, view } = this
    const file = state.file
    const fields = { model: model.name, pictures: view ? 'reconstruction' : 'original,reconstruction' }
    if (mask.hidden) {
      const hidden = mask.hidden.flatMap((isHidden, patch) => (isHidden ? [patch] : []))
      if (hidden.length === 0 || hidden.length === mask.hidden.length) {
        this.hidden = mask.hidden
        this.filled = null
        this.draw()
        report(hidden.length ? 'Leave one patch visible at least.' : 'Nothing is hidden: paint over the picture.')
        return
      }
      fields.hidden = hidden.join(',')
    } else {
      Object.assign(fields, mask)
    }
    // A view goes back as it came, pixel by pixel; a raster is read from its file each time.
    const isPrepared = view && !model.readsRasters
    if (isPrepared) fields.prepared = 'true'
    const answer = await askAbout(isPrepared ? view.blob : file, 'v1/reconstruct', fields)
    if (file !== state.file || model !== this.model) return
    if (answer.pictures.original) this.views.set(model.name, await bitmapOf(answer.pictures.original))
    this.filled = (await bitmapOf(answer.pictures.reconstruction)).bitmap
    this.error = answer.meanSquaredError
    this.hidden = Array(answer.rows * answer.columns).fill(false)
    for (const patch of answer.hidden) this.hidden[patch] = true
    if (this === first && !mask.hidden) state.hidden = [...this.hidden]
    // A mask that was painted stands in its canvas already, beside the original.
    this.draw(!mask.hidden || Boolean(answer.pictures.original))
    const done = performance.now()
    performance.measure('redraw', { start: since, end: done })
    this.tell(done - since)
  }

  tell(milliseconds) {
    const count = this.hidden.filter(Boolean).length
    const share = Math.round((100 * count) / this.hidden.length)
    $(`error-${this.suffix}`).textContent =
      `Squared error on hidden patches: ${this.error.toPrecision(3)}`
    if (this === first) {
      report(`${count} of ${this.hidden.length} patches hidden (${share} %), filled in after ${Math.round(milliseconds)} ms.`)
    }
  }

  draw(inputs = true) {
    if (!this.view) return
    const { model, hidden, filled } = this
    const combined = $(this === first ? 'combined' : 'combined-b')
    const context = fit(combined, model)
    context.drawImage(this.view.bitmap, 0, 0)
    if (filled) {
      for (const [x, y, side] of patches(model, hidden)) {
        context.drawImage(filled, x, y, side, side, x, y, side, side)
      }
      if ($('outline').checked) outline(combined, model, hidden)
    }
    if (this !== first) return
    const whole = fit($('reconstruction'), model)
    if (filled) whole.drawImage(filled, 0, 0)
    if (!inputs) return
    drawPaint()
    drawOriginal()
  }
}

const first = new Lane('a')
const second = new Lane('b')
const compares = () => $('beside').value !== ''

/** The second lane's mask: its own ratio, or the first lane's patches carried to its grid. */
function secondMask() {
  if ($('beside').value === 'ratio') {
    return { ...drawnMask(), ratio: $('ratio2').value }
  }
  const { rows, columns } = second.model
  const from = first.model
  const hidden = Array.from({ length: rows * columns }, (_, patch) => {
    const row = Math.floor(((Math.floor(patch / columns) + 0.5) / rows) * from.rows)
    const column = Math.floor((((patch % columns) + 0.5) / columns) * from.columns)
    return state.hidden[row * from.columns + column]
  })
  return { hidden }
}

const drawnMask = () => ({
  strategy: $('strategy').value,
  ratio: $('ratio').value,
  seed: Math.max(0, Math.floor(Number($('seed').value) || 0)),
})

/** Asks for everything again, with the mask that is painted. */
function redrawPainted(since) {
  if (!state.file) return
  drawPaint()
  first.want({ hidden: [...state.hidden] }, since)
  if (compares() && $('beside').value !== 'ratio') second.want(secondMask())
}

/** Asks for everything again, with a mask that is drawn by a strategy. */
async function redrawDrawn() {
  if (!state.file || !first.model) return
  await first.want(drawnMask())
  if (compares()) second.want(secondMask())
}

// ---- Canvases ---------------------------------------------------------------------------------

/** Gives a canvas the model's size and empties it. */
function fit(canvas, model) {
  canvas.width = model.width
  canvas.height = model.height
  canvas.style.aspectRatio = `${model.width} / ${model.height}`
  canvas.classList.toggle('coarse', model.width < 128)
  return canvas.getContext('2d')
}

/** The places of the chosen patches: left, top, side. */
function* patches(model, chosen) {
  for (let patch = 0; patch < chosen.length; patch += 1) {
    if (!chosen[patch]) continue
    yield [(patch % model.columns) * model.patch, Math.floor(patch / model.columns) * model.patch, model.patch]
  }
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Lines drawn over a canvas at the screen's resolution, whatever the picture's is. */
function sharpen(canvas, model) {
  const scale = Math.max(1, Math.ceil(640 / model.width))
  if (canvas.width === model.width * scale) return scale
  const copy = document.createElement('canvas')
  copy.width = canvas.width
  copy.height = canvas.height
  copy.getContext('2d').drawImage(canvas, 0, 0)
  canvas.width = model.width * scale
  canvas.height = model.height * scale
  const context = canvas.getContext('2d')
  context.imageSmoothingEnabled = model.width >= 128
  context.imageSmoothingQuality = 'high'
  context.drawImage(copy, 0, 0, canvas.width, canvas.height)
  return scale
}

function outline(canvas, model, hidden) {
  const scale = sharpen(canvas, model)
  const context = canvas.getContext('2d')
  context.strokeStyle = color('--warm')
  context.lineWidth = 1
  for (const [x, y, side] of patches(model, hidden)) {
    context.strokeRect(x * scale + 0.5, y * scale + 0.5, side * scale - 1, side * scale - 1)
  }
}

function drawCursor(canvas, model, patch, style) {
  const scale = sharpen(canvas, model)
  const side = model.patch * scale
  const context = canvas.getContext('2d')
  const left = (patch % model.columns) * side
  const top = Math.floor(patch / model.columns) * side
  context.lineWidth = 6
  context.strokeStyle = '#ffffff'
  context.strokeRect(left + 2, top + 2, side - 4, side - 4)
  context.lineWidth = 3
  context.strokeStyle = style
  context.strokeRect(left + 2, top + 2, side - 4, side - 4)
}

/** The picture with hidden patches covered by hatching, which is no colour of a photo. */
function drawPaint() {
  const { model, view } = first
  if (!view) return
  const canvas = $('paint')
  fit(canvas, model).drawImage(view.bitmap, 0, 0)
  const scale = sharpen(canvas, model)
  const context = canvas.getContext('2d')
  context.fillStyle = hatching(context)
  for (const [x, y, side] of patches(model, state.hidden)) {
    context.fillRect(x * scale, y * scale, side * scale, side * scale)
  }
  if (document.activeElement === canvas && canvas.matches(':focus-visible')) {
    drawCursor(canvas, model, state.cursor, color('--accent'))
  }
}

function hatching(context) {
  const tile = document.createElement('canvas')
  tile.width = tile.height = 12
  const pen = tile.getContext('2d')
  pen.fillStyle = color('--line')
  pen.fillRect(0, 0, 12, 12)
  pen.strokeStyle = color('--faint')
  pen.globalAlpha = 0.35
  pen.lineWidth = 1.5
  for (const start of [-12, 0, 12]) {
    pen.beginPath()
    pen.moveTo(start, 12)
    pen.lineTo(start + 12, 0)
    pen.stroke()
  }
  return context.createPattern(tile, 'repeat')
}

/** The original, with the attention of a patch over it where one is chosen. */
function drawOriginal() {
  const { model, view } = first
  if (!view) return
  const canvas = $('original')
  const context = fit(canvas, model)
  const maps = state.attention
  if (!maps) {
    context.drawImage(view.bitmap, 0, 0)
    if (document.activeElement === canvas && canvas.matches(':focus-visible')) {
      drawCursor(canvas, model, state.cursor, color('--accent'))
    }
    return
  }
  const values = $('head').value === 'mean' ? maps.mean : maps.heads[Number($('head').value)]
  const low = Math.min(...values)
  const span = Math.max(...values) - low || 1
  context.filter = 'grayscale(1) brightness(0.45)'
  context.drawImage(view.bitmap, 0, 0)
  context.filter = 'none'
  const every = values.map(() => true)
  let number = 0
  for (const [x, y, side] of patches(model, every)) {
    const share = (values[number] - low) / span
    context.globalAlpha = 0.12 + 0.75 * share
    context.fillStyle = heat(share)
    context.fillRect(x, y, side, side)
    number += 1
  }
  context.globalAlpha = 1
  if (state.patch !== null) drawCursor(canvas, model, state.patch, '#e86c2c')
}

/** Near black over violet and orange to light yellow, as in the figures of `mae figures`. */
function heat(share) {
  const stops = [[6, 4, 18], [74, 18, 104], [163, 44, 98], [232, 104, 44], [252, 186, 50], [252, 253, 190]]
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1)
  const at = Math.min(Math.floor(place), stops.length - 2)
  const mixed = stops[at].map((from, i) => Math.round(from + (stops[at + 1][i] - from) * (place - at)))
  return `rgb(${mixed.join(' ')})`
}

// ---- Painting ---------------------------------------------------------------------------------

/** The patch under a pointer. */
function patchAt(canvas, event) {
  const { model } = first
  const box = canvas.getBoundingClientRect()
  const column = Math.floor(((event.clientX - box.left) / box.width) * model.columns)
  const row = Math.floor(((event.clientY - box.top) / box.height) * model.rows)
  if (column < 0 || row < 0 || column >= model.columns || row >= model.rows) return null
  return row * model.columns + column
}

/** Hides or shows the patches under the brush; whether that changed anything. */
function brush(patch, hides) {
  const { rows, columns } = first.model
  const size = Number(document.querySelector('input[name="brush"]:checked').value)
  const row = Math.floor(patch / columns) - Math.floor((size - 1) / 2)
  const column = (patch % columns) - Math.floor((size - 1) / 2)
  let changed = false
  for (let r = Math.max(0, row); r < Math.min(rows, row + size); r += 1) {
    for (let c = Math.max(0, column); c < Math.min(columns, column + size); c += 1) {
      if (state.hidden[r * columns + c] !== hides) changed = true
      state.hidden[r * columns + c] = hides
    }
  }
  return changed
}

let stroke = null // whether the stroke under way hides, and where it was last

const paint = $('paint')
paint.addEventListener('pointerdown', (event) => {
  if (event.button !== 0 || !first.view) return
  const patch = patchAt(paint, event)
  if (patch === null) return
  event.preventDefault()
  paint.focus({ focusVisible: false })
  paint.setPointerCapture(event.pointerId)
  stroke = { hides: !state.hidden[patch], last: patch }
  state.cursor = patch
  if (brush(patch, stroke.hides)) redrawPainted(performance.now())
})
paint.addEventListener('pointermove', (event) => {
  if (!stroke) return
  let changed = false
  for (const point of event.getCoalescedEvents?.() ?? [event]) {
    const patch = patchAt(paint, point)
    if (patch === null || patch === stroke.last) continue
    for (const between of line(stroke.last, patch)) changed = brush(between, stroke.hides) || changed
    stroke.last = patch
    state.cursor = patch
  }
  if (changed) redrawPainted(performance.now())
})
for (const end of ['pointerup', 'pointercancel']) paint.addEventListener(end, () => { stroke = null })

/** The patches from one to another, so that a quick stroke has no gaps. */
function* line(from, to) {
  const { columns } = first.model
  const [r, c] = [Math.floor(from / columns), from % columns]
  const [down, across] = [Math.floor(to / columns) - r, (to % columns) - c]
  const steps = Math.max(Math.abs(down), Math.abs(across))
  for (let step = 1; step <= steps; step += 1) {
    yield Math.round(r + (down * step) / steps) * columns + Math.round(c + (across * step) / steps)
  }
}

/** Moves the keyboard's patch; whether the key was an arrow. */
function moveCursor(key) {
  const { rows, columns } = first.model
  let [row, column] = [Math.floor(state.cursor / columns), state.cursor % columns]
  if (key === 'ArrowLeft') column -= 1
  else if (key === 'ArrowRight') column += 1
  else if (key === 'ArrowUp') row -= 1
  else if (key === 'ArrowDown') row += 1
  else if (key === 'Home') column = 0
  else if (key === 'End') column = columns - 1
  else return false
  row = Math.min(Math.max(row, 0), rows - 1)
  column = Math.min(Math.max(column, 0), columns - 1)
  state.cursor = row * columns + column
  return true
}

const place = (patch) =>
  `Row ${Math.floor(patch / first.model.columns) + 1}, column ${(patch % first.model.columns) + 1}`

paint.addEventListener('keydown', (event) => {
  if (!first.view) return
  if (moveCursor(event.key)) {
    event.preventDefault()
    if (event.shiftKey && brush(state.cursor, true)) redrawPainted(performance.now())
    report(`${place(state.cursor)}: ${state.hidden[state.cursor] ? 'hidden' : 'visible'}.`)
  } else if (event.key === ' ' || event.key === 'Enter') {
    event.preventDefault()
    brush(state.cursor, !state.hidden[state.cursor])
    redrawPainted(performance.now())
  }
  drawPaint()
})
for (const turn of ['focus', 'blur']) {
  paint.addEventListener(turn, drawPaint)
  $('original').addEventListener(turn, drawOriginal)
}

// ---- Attention --------------------------------------------------------------------------------

async function showAttention(patch) {
  const { model, view } = first
  if (!view) return
  state.cursor = patch
  try {
    const fields = { model: model.name, patch }
    if (!model.readsRasters) fields.prepared = 'true'
    const maps = await askAbout(model.readsRasters ? state.file : view.blob, 'v1/attention', fields)
    if (model !== first.model) return
    state.patch = patch
    state.attention = maps
    $('heads-fields').hidden = false
    complain(null)
    const most = maps.mean.indexOf(Math.max(...maps.mean))
    report(`${place(patch)} attends most to row ${Math.floor(most / maps.columns) + 1}, column ${(most % maps.columns) + 1}.`)
  } catch (error) {
    complain(error)
  }
  drawOriginal()
}

function clearAttention() {
  state.patch = null
  state.attention = null
  $('heads-fields').hidden = true
  drawOriginal()
}

$('original').addEventListener('click', (event) => {
  const patch = first.view ? patchAt($('original'), event) : null
  if (patch !== null) showAttention(patch)
})
$('original').addEventListener('keydown', (event) => {
  if (!first.view) return
  if (moveCursor(event.key)) {
    event.preventDefault()
    if (state.attention) clearAttention()
    report(`${place(state.cursor)}.`)
    drawOriginal()
  } else if (event.key === ' ' || event.key === 'Enter') {
    event.preventDefault()
    showAttention(state.cursor)
  } else if (event.key === 'Escape') {
    clearAttention()
  }
})
$('head').addEventListener('change', drawOriginal)
$('attention-off').addEventListener('click', clearAttention)

// ---- Pictures ---------------------------------------------------------------------------------

/** Takes a picture and asks everything about it. */
async function take(file) {
  state.file = file
  for (const lane of [first, second]) {
    lane.views.clear()
    lane.filled = null
  }
  clearAttention()
  report('Working…')
  await redrawDrawn()
  askAside(file)
}

/** Classes and neighbours, from the models that have them. */
async function askAside(file) {
  const classifier = state.models.find((model) => model.classes > 0)
  const indexed = state.models.find((model) => model.indexedImages > 0)
  try {
    if (classifier) {
      const { classes } = await askAbout(file, 'v1/classify', { model: classifier.name, top: 5 })
      if (file === state.file) showClasses(classes)
    }
    if (indexed) {
      const fields = { model: indexed.name, count: 8, pictures: true }
      const { neighbours } = await askAbout(file, 'v1/neighbours', fields)
      if (file === state.file) showNeighbours(neighbours)
    }
  } catch (error) {
    complain(error)
  }
}

function showClasses(classes) {
  $('classes-panel').hidden = false
  $('classes').replaceChildren(...classes.map(({ label, probability }) => {
    const item = document.createElement('li')
    const name = document.createElement('span')
    name.textContent = label
    const percent = document.createElement('span')
    percent.textContent = `${(100 * probability).toFixed(1)} %`
    const meter = document.createElement('meter')
    meter.value = probability
    meter.setAttribute('aria-label', `${label}: ${percent.textContent}`)
    item.append(name, percent, meter)
    return item
  }))
}

function showNeighbours(neighbours) {
  $('neighbours-panel').hidden = false
  $('neighbours').replaceChildren(...neighbours.map(({ name, similarity, picture }) => {
    const item = document.createElement('li')
    if (picture) {
      const image = document.createElement('img')
      image.src = `data:image/png;base64,${picture}`
      image.alt = name
      item.append(image)
    }
    const label = document.createElement('span')
    label.textContent = name
    label.title = name
    item.append(label, `${similarity.toFixed(3)}`)
    return item
  }))
}

$('file').addEventListener('change', () => {
  const [file] = $('file').files
  if (file) choose(file, null)
})
for (const over of ['dragover', 'dragenter']) {
  addEventListener(over, (event) => {
    event.preventDefault()
    document.body.classList.add('over')
  })
}
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('over')
})
addEventListener('drop', (event) => {
  event.preventDefault()
  document.body.classList.remove('over')
  const [file] = event.dataTransfer.files
  if (file) choose(file, null)
})
addEventListener('paste', (event) => {
  const [file] = event.clipboardData?.files ?? []
  if (file) choose(file, null)
})

/** Takes a picture and marks the sample that it is. */
function choose(file, button) {
  for (const other of $('samples').children) other.setAttribute('aria-pressed', String(other === button))
  return take(file)
}

/** The server's samples, or where it has none some that are drawn here. */
async function offerSamples() {
  const { samples } = await (await ask('v1/samples')).json()
  const offers = samples.map((name, number) => ({
    name,
    thumbnail: async () => (await ask(`v1/samples/${number}?thumbnail=true`)).blob(),
    file: async () => (await ask(`v1/samples/${number}`)).blob(),
  }))
  if (!offers.length) {
    for (const [name, scene] of Object.entries(scenes)) {
      const file = () => drawnScene(scene)
      offers.push({ name: `${name} (drawn)`, thumbnail: file, file })
    }
  }
  const buttons = await Promise.all(offers.map(async ({ name, thumbnail, file }) => {
    const button = document.createElement('button')
    const image = document.createElement('img')
    image.src = URL.createObjectURL(await thumbnail())
    image.alt = name
    button.type = 'button'
    button.title = name
    button.append(image)
    button.addEventListener('click', async () => {
      try {
        await choose(await file(), button)
      } catch (error) {
        complain(error)
      }
    })
    return button
  }))
  $('samples').replaceChildren(...buttons)
  return buttons[0]
}

const scenes = {
  Hills(pen, size) {
    const sky = pen.createLinearGradient(0, 0, 0, size * 0.7)
    sky.addColorStop(0, '#4a6fa5')
    sky.addColorStop(1, '#f6d9a8')
    pen.fillStyle = sky
    pen.fillRect(0, 0, size, size)
    disc(pen, size * 0.68, size * 0.36, size * 0.08, '#fff2c9')
    for (const [height, tone] of [[0.55, '#7d8fa0'], [0.66, '#5b7668'], [0.78, '#3d5a3f'], [0.9, '#24391f']]) {
      pen.fillStyle = tone
      pen.beginPath()
      pen.moveTo(0, size)
      for (let x = 0; x <= size; x += 4) {
        pen.lineTo(x, size * (height + 0.05 * Math.sin(x / 47 + height * 40) + 0.02 * Math.sin(x / 13 + height * 9)))
      }
      pen.lineTo(size, size)
      pen.fill()
    }
  },
  Fruit(pen, size) {
    pen.fillStyle = '#d8cbb5'
    pen.fillRect(0, 0, size, size)
    pen.fillStyle = '#8a6a4a'
    pen.fillRect(0, size * 0.62, size, size)
    for (const [x, y, radius, tone] of [
      [0.32, 0.58, 0.17, '#c0392b'], [0.6, 0.6, 0.15, '#e0a030'], [0.47, 0.7, 0.14, '#6a8d3a'],
    ]) {
      pen.globalAlpha = 0.3
      disc(pen, size * (x + 0.03), size * (y + radius * 0.9), size * radius * 0.9, '#2a1c10', 0.25)
      pen.globalAlpha = 1
      const light = pen.createRadialGradient(
        size * (x - radius * 0.4), size * (y - radius * 0.4), size * 0.01, size * x, size * y, size * radius)
      light.addColorStop(0, '#ffffff')
      light.addColorStop(0.25, tone)
      light.addColorStop(1, '#3a2015')
      disc(pen, size * x, size * y, size * radius, light)
    }
  },
  Cloth(pen, size) {
    pen.fillStyle = '#efe7d6'
    pen.fillRect(0, 0, size, size)
    for (let stripe = 0; stripe < size; stripe += 64) {
      pen.globalAlpha = 0.55
      pen.fillStyle = '#27496d'
      pen.fillRect(stripe, 0, 30, size)
      pen.fillStyle = '#b5403a'
      pen.fillRect(0, stripe, size, 30)
    }
    pen.globalAlpha = 1
  },
}

function disc(pen, x, y, radius, fill, flat = 1) {
  pen.fillStyle = fill
  pen.beginPath()
  pen.ellipse(x, y, radius, radius * flat, 0, 0, 2 * Math.PI)
  pen.fill()
}

function drawnScene(scene) {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 512
  scene(canvas.getContext('2d'), 512)
  return new Promise((resolve) => { canvas.toBlob(resolve, 'image/png') })
}

// ---- Settings ---------------------------------------------------------------------------------

const percent = (value) => `${Math.round(100 * value)} %`

function useModel(model) {
  first.model = model
  state.hidden = Array(model.rows * model.columns).fill(false)
  state.cursor = Math.floor(state.hidden.length / 2)
  $('strategy').replaceChildren(...model.strategies.map((name) => new Option(name, name, false, name === model.strategy)))
  $('model-words').textContent =
    `${model.width} × ${model.height} in ${model.rows} × ${model.columns} patches; encoder ${model.encoder}; decoder ${model.decoder}.`
  $('head').replaceChildren(
    new Option('mean of heads', 'mean'),
    ...Array.from({ length: model.heads }, (_, head) => new Option(`head ${head + 1}`, String(head))))
  $('notices').textContent = model.notices.join(' ')
  clearAttention()
}

function captions() {
  const beside = $('beside').value
  $('lane-b').hidden = !compares()
  document.querySelector('.stage').classList.toggle('compares', compares())
  $('ratio2-field').hidden = beside !== 'ratio'
  second.model = beside === 'ratio' ? first.model : state.models.find((model) => model.name === beside)
  $('caption-a').textContent = beside === 'ratio' ? percent($('ratio').value) : state.models.length > 1 ? first.model.name : ''
  $('caption-b').textContent = beside === 'ratio' ? `${percent($('ratio2').value)}` : beside
  $('ratio-text').value = percent($('ratio').value)
  $('ratio2-text').value = percent($('ratio2').value)
}

$('model').addEventListener('change', () => {
  useModel(state.models.find((model) => model.name === $('model').value))
  captions()
  redrawDrawn()
})
$('beside').addEventListener('change', () => {
  captions()
  if (compares() && state.file) second.want(secondMask())
})
for (const id of ['strategy', 'ratio', 'seed']) {
  $(id).addEventListener('input', () => {
    captions()
    redrawDrawn()
  })
}
$('ratio2').addEventListener('input', () => {
  captions()
  if (state.file) second.want(secondMask())
})
$('draw').addEventListener('click', () => {
  $('seed').value = String((Number($('seed').value) || 0) + 1)
  redrawDrawn()
})
$('clear').addEventListener('click', () => {
  state.hidden.fill(false)
  redrawPainted()
})
$('invert').addEventListener('click', () => {
  state.hidden = state.hidden.map((isHidden) => !isHidden)
  redrawPainted()
})
$('outline').addEventListener('change', () => {
  first.draw()
  if (compares()) second.draw()
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => first.draw())

// ---- Start ------------------------------------------------------------------------------------

async function start() {
  try {
    const { models } = await (await ask('v1/models')).json()
    state.models = models
    const able = models.filter((model) => model.reconstructs)
    if (!able.length) {
      report('')
      throw new Error('None of the models has a decoder, so nothing can be filled in; serve a run of mae pretrain.')
    }
    $('model').replaceChildren(...able.map(({ name }) => new Option(name, name)))
    $('beside').append(...(able.length > 1 ? able.map(({ name }) => new Option(name, name)) : []))
    useModel(able[0])
    const ratio = Math.min(Math.max(able[0].ratio, 0.05), 0.95)
    $('ratio').value = String(ratio)
    captions()
    const sample = await offerSamples()
    if (sample) sample.click()
  } catch (error) {
    complain(error)
  }
}

start()
