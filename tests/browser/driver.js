// Drives one window of Chromium for package browser. It reads requests from
// standard input, one JSON object a line, and answers each with one line.
'use strict';
const readline = require('readline');
const { chromium } = require('playwright-core');

const [executablePath, proxy] = process.argv.slice(2);
const limit = 120000; // milliseconds, for each step: the machine may do much else
const terminal = '.terminal-wrapper.active';
let page;
const asked = []; // what the page has requested since visit, its own address first
const said = []; // errors and warnings of its own

const bare = s => s.replace(/\s/g, ''); // terminals wrap lines, and draw blanks as U+00A0
const row = name => page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).first();
const text = async () => bare(await page.locator(`${terminal} .xterm-rows`).innerText().catch(() => ''));

async function until(what, holds, within = limit) {
  for (const end = Date.now() + within; Date.now() < end; await page.waitForTimeout(100)) {
    if (await holds()) return true;
  }
  if (within === limit) throw new Error(`${what}: not so after ${limit / 1000} s; the terminal shows: ${await text()}`);
  return false;
}

// The palette closes when the focus moves while a window settles.
async function palette(command, done) {
  for (const end = Date.now() + limit; Date.now() < end;) {
    await page.keyboard.press('Escape');
    await page.keyboard.press('F1');
    try {
      await page.locator('.quick-input-widget .input').fill('>' + command, { timeout: 10000 });
      await page.locator('.quick-input-list .monaco-list-row', { hasText: command }).first().click({ timeout: 10000 });
    } catch { /* again, unless it has been taken all the same */ }
    if (await done()) return;
  }
  throw new Error(`the command palette does not take ${command}`);
}

// While a window has no connection it asks what to do, and takes the focus: a
// blank that is typed then may be "Reload Window".
async function connected() {
  await until('the window has no dialog open', async () => {
    const dialog = page.locator('.monaco-dialog-box');
    if (await dialog.count() === 0) return true;
    await dialog.getByText('Reconnect Now').click({ timeout: 1000 }).catch(() => {});
    return false;
  });
}

// A window writes down some seconds late that its panel is open: one that is
// loaded anew before that keeps its terminals, but does not show them.
async function shown() {
  const keys = page.locator(`${terminal} .xterm-helper-textarea`).last();
  const attached = timeout => keys.waitFor({ state: 'attached', timeout }).then(() => true, () => false);
  if (!await attached(10000)) await palette('Terminal: Focus Terminal', () => attached(20000));
  return keys;
}

// What is typed before the prompt is drawn before it, too, and the shell, which
// does not know, then draws over the end of a long line.
const prompted = () => until('the terminal ends in a prompt', async () => /[#$]$/.test(await text()), 15000);

// What is typed before the terminal is wired is lost, so Enter comes only when
// the whole line is drawn. Each key goes to the terminal, wherever the focus is.
async function run(command) {
  const keys = await shown();
  for (let tries = 0; tries < 6; tries++) {
    await connected();
    await prompted();
    for (const key of command) await keys.press(key);
    if (await until(command, async () => (await text()).includes(bare(command)), 15000)) {
      return keys.press('Enter');
    }
    await connected();
    await keys.press('Control+C');
  }
  throw new Error(`the terminal does not show what is typed, but: ${await text()}`);
}

const steps = {
  async open({ url, file }) {
    await page.goto(url);
    await row(file).waitFor();
  },
  async reload({ file }) {
    await page.reload();
    await row(file).waitFor();
  },
  terminal: () => palette('Terminal: Create New Terminal', () =>
    page.locator(`${terminal} .xterm-helper-textarea`).last().waitFor({ state: 'attached', timeout: 60000 }).then(() => true, () => false)),
  run: ({ text }) => run(text),
  async answers({ text: line, want }) {
    for (let tries = 0; tries < 4; tries++) {
      await run(line);
      if (await until(want, async () => (await text()).includes(bare(want)), 20000)) return;
      await palette('Terminal: Focus Next Terminal Group', () => true);
    }
    throw new Error(`the terminal does not answer ${want}, but: ${await text()}`);
  },
  shows: async ({ text: want }) => {
    await until(`the terminal shows ${want}`, async () => (await text()).includes(bare(want)));
  },
  async edit({ file, text }) {
    await row(file).dblclick();
    await page.locator('.tab', { hasText: file }).first().waitFor();
    const lines = page.locator('.editor-instance .monaco-editor .view-lines').first();
    await lines.click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type(text, { delay: 15 });
    await until(`the editor shows ${text}`, async () => bare(await lines.innerText()).includes(bare(text)));
    await page.keyboard.press('Control+S');
    await page.locator('.tab.dirty').waitFor({ state: 'detached' });
  },
  // A mark in the page is lost when the page is loaded anew.
  mark: () => page.evaluate(() => { window.perchMark = true; }),
  marked: () => page.evaluate(() => window.perchMark === true),
  // What the workbench says in dialogs and notifications.
  says: async ({ text: want }) => {
    await until(`the workbench says ${want}`, async () => {
      const said = await page.locator('.monaco-dialog-box, .notification-toast').allInnerTexts();
      return said.join('\n').includes(want);
    });
  },
  async screenshot({ file }) {
    await page.screenshot({ path: file });
  },
  // Pages that are no workbench.
  async visit({ url }) {
    asked.length = said.length = 0;
    await page.goto(url);
  },
  async look({ width, height, scheme }) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
  },
  press: ({ text }) => page.keyboard.press(text),
  click: ({ text }) => page.locator(text).click(),
  evaluate: ({ text }) => page.evaluate(text),
  asked: () => asked,
  said: () => said,
};

process.stdout.on('error', () => process.exit(1)); // the test has ended
(async () => {
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-background-networking'];
  // Without the bypass list, what goes to loopback goes round the proxy.
  if (proxy) args.push(`--proxy-server=${proxy}`, '--proxy-bypass-list=<-loopback>');
  const browser = await chromium.launch({ executablePath, args });
  page = await browser.newPage({ viewport: { width: 1200, height: 750 } });
  page.setDefaultTimeout(limit);
  page.on('dialog', d => d.accept()); // a window with a terminal in it may ask before it goes
  page.on('request', r => asked.push(r.url()));
  page.on('console', m => { if (['error', 'warning'].includes(m.type())) said.push(m.text()); });
  page.on('pageerror', e => said.push(String(e)));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    let answer;
    try {
      answer = { value: await steps[request.step](request) };
    } catch (e) {
      answer = { error: String(e.message) };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
  await browser.close();
})().catch(e => { console.error(e); process.exit(1); });
