-- version: the version that the row of an entity shows; no row if it is deleted, purged or unknown
select version_at, version_delivery
from users_sync.ledger
where kind = $1 and id = $2
  and version_at is not null and deleted_at is null and purged_at is null
