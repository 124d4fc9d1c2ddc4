// Opens the address given as the last argument in headless Chromium and does what a person would
// at oidc-provider's development pages: logs in as alice, agrees, and looks at the page that
// comes after. Stands as `$BROWSER`.
//
// In the directory CLICK_THROUGH_DIR it leaves `page.json` (what the last page says, and whatever
// the browser complained about) and screenshots of it in light and dark, wide and narrow. With
// CLICK_THROUGH_CONSENT=deny it follows the link that cancels instead of agreeing.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const address = process.argv.at(-1);
const directory = process.env.CLICK_THROUGH_DIR;
const consents = process.env.CLICK_THROUGH_CONSENT !== 'deny';
const confirms = 'button[form="op.deviceConfirmForm"]';
const report = { steps: [], complaints: [], elsewhere: [] };

const profile = mkdtempSync(join(tmpdir(), 'click-through-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  chromiumSandbox: false,
  timeout: 30_000,
  args: [
    '--disable-gpu',
    '--disable-quic',
    '--disable-sync',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
    // Loopback and nothing else, whatever a page or the browser itself asks for.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});

try {
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  watch(page);
  await page.goto(address);
  // The page for a code sends itself on.
  if (new URL(address).searchParams.has('user_code')) await page.waitForSelector(confirms);
  await actAsPerson(page);
  await lookAt(page);
} catch (error) {
  report.failed = String(error);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
  // Renamed into place, so that whoever waits for it reads it whole.
  writeFileSync(join(directory, 'page.json.new'), JSON.stringify(report, null, 2));
  renameSync(join(directory, 'page.json.new'), join(directory, 'page.json'));
}
process.exit(report.failed ? 1 : 0);

// Notes what goes wrong on the last page, and what it asks for elsewhere. oidc-provider's own
// pages want a web font, which they don't get.
function watch(page) {
  const server = new URL(address).origin;
  page.on('console', (message) => {
    const { url } = message.location();
    if (message.type() !== 'error' || url.endsWith('/favicon.ico')) return;
    if (new URL(page.url()).origin !== server) report.complaints.push(`${message.text()} ${url}`);
  });
  page.on('pageerror', (error) => report.complaints.push(String(error)));
  page.on('request', (request) => {
    if (request.isNavigationRequest()) return;
    const from = new URL(request.frame().url()).origin;
    if (from !== server) report.elsewhere.push(request.url());
  });
}

async function actAsPerson(page) {
  // A code to confirm, login, consent, and the page after: a few more rounds than that are a fault.
  for (let round = 0; round < 5; round += 1) {
    if (await page.locator('input[name=login]').count()) {
      report.steps.push('login');
      await page.fill('input[name=login]', 'alice');
      await page.fill('input[name=password]', 'made-up-password');
      await page.click('button[type=submit]');
    } else if (await page.locator(confirms).count()) {
      report.steps.push('confirm');
      report.code = await page.locator('code').innerText();
      await page.click(confirms);
    } else if (await page.locator('input[name=prompt][value=consent]').count()) {
      report.steps.push(consents ? 'consent' : 'cancel');
      await page.click(consents ? 'button[type=submit]' : 'a[href$="/abort"]');
    } else {
      return;
    }
    await page.waitForLoadState('load');
  }
}

async function lookAt(page) {
  await page.waitForLoadState('load');
  report.title = await page.title();
  report.text = await page.locator('body').innerText();
  report.lang = await page.locator('html').getAttribute('lang');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 1024, height: 640 });
    report[`${colorScheme}_colours`] = await page.evaluate(() => {
      const style = getComputedStyle(document.body);
      const behind = (element) => {
        const colour = element && getComputedStyle(element).backgroundColor;
        return !colour || colour !== 'rgba(0, 0, 0, 0)' ? colour : behind(element.parentElement);
      };
      return { text: style.color, background: behind(document.body) };
    });
    await page.screenshot({ path: join(directory, `${colorScheme}.png`) });
    await page.setViewportSize({ width: 360, height: 640 });
    report.fits_narrow = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    await page.screenshot({ path: join(directory, `${colorScheme}-narrow.png`) });
  }
}
