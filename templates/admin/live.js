// Stops htmx from refreshing the page in a hidden tab, while it is paused, and below a selection.
(() => {
  const live = document.getElementById("live");
  const bar = document.getElementById("live-bar");
  const pause = document.getElementById("pause");
  const status = document.getElementById("news");
  if (!live?.hasAttribute("hx-get")) return;

  let paused = false;
  let places = [];
  let announced = live.querySelector("[data-news]")?.dataset.news;
  const wide = () => [...live.querySelectorAll(".wide")];
  const isSelected = () => {
    const selection = getSelection();
    return !selection.isCollapsed && live.contains(selection.anchorNode);
  };

  bar.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) htmx.trigger(live, "refresh");
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) htmx.trigger(live, "refresh");
  });
  live.addEventListener("htmx:beforeRequest", (event) => {
    if (paused || document.hidden || isSelected()) event.preventDefault();
  });
  live.addEventListener("htmx:beforeSwap", () => {
    places = wide().map((region) => region.scrollLeft);
  });
  live.addEventListener("htmx:afterSwap", () => {
    wide().forEach((region, place) => (region.scrollLeft = places[place] ?? 0));
    const news = live.querySelector("[data-news]")?.dataset.news;
    // A screen reader says it only when it is new.
    status.textContent = news === announced ? "" : news;
    announced = news;
  });
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    live.addEventListener(failure, () => {
      status.textContent = "The last update failed; what is shown may be old. It is tried again.";
    });
  }
})();
