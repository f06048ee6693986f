// The page in a real browser: what it does, what it looks like, and what must not run in it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, Service } from "../service.js";
import { launch, misfits, open, SCHEMES, SCREENSHOTS, signIn, SIZES, tabTo, violations } from "./browser.js";

let service, browser, pages;

before(async () => {
  service = await Service.start();
  browser = await launch();
  pages = await furnish();
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

// Something on every page: its name, and where it is.
async function furnish() {
  const { id } = await service.receive({ id: "user_1", first_name: "Ada" });
  await service.receive({ id: "user_1", first_name: "Ada", updated_at: Date.now() - 10_000 });
  await service.receive({ id: `user_${"with_a_long_id".repeat(9)}` });
  await service.post(JSON.stringify({ type: "session.created", data: {} }));
  await service.post("not JSON");
  await organization();
  await service.database.query(
    `insert into users_sync.runs
       (kind, source, outcome, reason, finished_at, seen, stale, unannounced, unannounced_since)
     values ('backfill', 'clerk', 'done', null, now(), 40, 0, 0, null),
            ('reconcile', 'clerk', 'failed', 'the API is away', now(), 0, 0, 0, null),
            ('reconcile', 'clerk', 'done', null, now(), 40, 14, 14, now() - interval '1 day')`,
  );
  const delivery = `/admin/deliveries/clerk/${id}`;
  return {
    "sign-in": "/admin/sign-in",
    now: "/admin",
    deliveries: "/admin/deliveries",
    "deliveries-misspelt": "/admin/deliveries?since=yesterday",
    delivery,
    "delivery-replayed": `${delivery}?replayed=duplicate`,
    user: "/admin/users?id=user_1",
    organization: "/admin/entities?kind=organization&id=org_1",
    membership: "/admin/entities?kind=membership&id=mem_1",
    "user-unknown": "/admin/users?id=nobody",
    runs: "/admin/runs",
    quarantine: "/admin/quarantine",
  };
}

// An organization with a member.
async function organization() {
  const now = Date.now();
  const data = { id: "org_1", name: "Acme", slug: "acme", created_at: now, updated_at: now };
  await service.post(JSON.stringify({ type: "organization.created", data }));
  const member = {
    id: "mem_1", role: "org:admin", permissions: ["org:billing:manage"], organization: data,
    public_user_data: { user_id: "user_1" }, created_at: now, updated_at: now,
  };
  await service.post(JSON.stringify({ type: "organizationMembership.created", data: member }));
}

// A delivery that the database refuses until the cause is gone, and then takes.
async function quarantined(user) {
  const table = "alter table neon_auth.users_sync";
  await service.database.query(`${table} add constraint nobody check (name not like 'Nobody%') not valid`);
  const { id, outcome } = await service.receive({ id: user, first_name: "Nobody" });
  await service.database.query(`${table} drop constraint nobody`);
  assert.equal(outcome, "quarantined");
  return id;
}

async function nameOf(user) {
  const { rows } = await service.database.query("select name from neon_auth.users_sync where id = $1", [user]);
  return rows[0]?.name;
}

test("a wrong token is refused in words and the right one opens the page", async () => {
  const { page } = await open(browser, service);
  await page.goto("/admin");
  await page.getByLabel("ADMIN_TOKEN").fill("a wrong one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /not the ADMIN_TOKEN/);

  await page.getByLabel("ADMIN_TOKEN").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();

  await page.getByRole("heading", { name: "Now", exact: true }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("ADMIN_TOKEN").waitFor();
  await page.goto("/admin/deliveries");
  assert.equal(new URL(page.url()).pathname, "/admin/sign-in");
});

test("the browser complains of no page and of no part of it", async () => {
  const { page, complaints } = await open(browser, service);
  await signIn(page);

  for (const [name, path] of Object.entries(pages)) {
    const answer = await page.goto(path, { waitUntil: "load" });
    assert.equal(answer.status(), 200, name);
    assert.ok(answer.headers()["content-security-policy"], name);
  }

  assert.deepEqual(complaints, []);
});

test("a quarantined delivery is found, replayed and applied", async () => {
  const id = await quarantined("user_mouse");
  const { page, complaints } = await open(browser, service);
  await signIn(page);
  await page.getByRole("link", { name: /quarantine/ }).first().click();
  await page.getByRole("heading", { name: "Quarantine" }).waitFor();
  assert.match(await page.getByRole("main").innerText(), /constraint nobody/);

  await page.goto(`/admin/deliveries/clerk/${id}`);
  await page.getByRole("button", { name: "Replay", exact: true }).click();

  await page.getByText("Replayed: applied").waitFor();
  assert.equal(await nameOf("user_mouse"), "Nobody Østergård");
  assert.deepEqual(complaints, []);
});

test("signing in and replaying need no mouse", async () => {
  await quarantined("user_keys");
  const { page } = await open(browser, service);
  const quarantine = page.getByRole("row", { name: /constraint nobody/ });
  await page.goto("/admin");
  await page.getByLabel("ADMIN_TOKEN").and(page.locator(":focus")).waitFor();
  await page.keyboard.type(ADMIN_TOKEN);
  await tabTo(page, page.getByRole("button", { name: "Sign in" }));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Now", exact: true }).waitFor();
  await tabTo(page, page.getByRole("link", { name: "Deliveries", exact: true }));
  await page.keyboard.press("Enter");
  await tabTo(page, quarantine.getByRole("link").first());
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Replay", exact: true }));

  await page.keyboard.press("Enter");

  await page.getByText("Replayed: applied").waitFor();
  assert.equal(await nameOf("user_keys"), "Nobody Østergård");
});

test("a script in a user's name or id is text on every page that shows it", async () => {
  const script = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">";
  const user = `"'><svg onload="document.title='pwned'">${script}`;
  const { id, outcome } = await service.receive({ id: user, first_name: script });
  assert.equal(outcome, "applied");
  const { page, complaints } = await open(browser, service);
  await signIn(page);
  const showing = [
    "/admin/deliveries",
    `/admin/deliveries/clerk/${id}`,
    `/admin/users?id=${encodeURIComponent(user)}`,
    `/admin/deliveries?user=${encodeURIComponent(user)}`,
  ];

  for (const path of showing) {
    await page.goto(path, { waitUntil: "load" });
    assert.match(await page.title(), /users-sync$/, path);
    assert.match(await page.getByRole("main").innerText(), /<svg onload=/, path);
    assert.equal(await page.locator("main img, main script, main [onload]").count(), 0, path);
  }

  assert.deepEqual(complaints, []);
});

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of SCHEMES) {
    test(`axe finds nothing on a ${size} in ${colorScheme} colours, and every page fits`, async () => {
      const { page } = await open(browser, service, { viewport, colorScheme });
      await signIn(page);
      const found = [];

      for (const [name, path] of Object.entries(pages)) {
        await page.goto(path, { waitUntil: "load" });
        await page.screenshot({ path: join(SCREENSHOTS, `${name}-${size}-${colorScheme}.png`), fullPage: true });
        await page.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
        found.push(...(await violations(page)).map((violation) => `${name}: ${violation}`));
        found.push(...(await misfits(page)).map((misfit) => `${name}: ${misfit}`));
      }

      assert.deepEqual(found, []);
    });
  }
}
