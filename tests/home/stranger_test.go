package home

import "testing"

// stranger is a user whom no passwd file knows.
const stranger = 4242

// TestStranger: programs know the user by the image's libnss_wrapper, VS Code's
// own node among them.
func TestStranger(t *testing.T) {
	c := newContainer(t)
	c.spec.Process.User.UID, c.spec.Process.User.GID = stranger, stranger
	server, dir := c.withServer(t)
	c.start()
	c.is("id -u; getent passwd 4242 >/dev/null; grep -c :4242: /etc/passwd || :", "4242\n0")
	c.is("whoami", "uid4242")
	c.is("ssh -G x 2>/dev/null | grep '^user '", "user uid4242")
	c.is("cd && git init -q r && cd r && git -c user.email=a@b commit -q --allow-empty -m x && git log --format=%an", "uid4242")
	c.is(dir+`/node -p 'const u = os.userInfo(); u.username + " " + u.homedir'`, "uid4242 /srv")
	c.serves(server, dir)
	c.says("/srv/perch-entrypoint check", "libnss_wrapper.so; static ones do not see it")
}

// TestStrangerAlone: without the library those refuse that ask for the user's
// name. The server does not.
func TestStrangerAlone(t *testing.T) {
	c := newContainer(t)
	c.spec.Process.User.UID, c.spec.Process.User.GID = stranger, stranger
	c.show("/dev/null", "/usr/lib/x86_64-linux-gnu/libnss_wrapper.so")
	server, dir := c.withServer(t)
	c.start()
	c.says("whoami 2>&1 || :", "cannot find name for user ID 4242")
	c.says("ssh -G x 2>&1 || :", "No user exists for uid 4242")
	c.says(dir+"/node -p 'os.userInfo().username' 2>&1 || :", "uv_os_get_passwd returned ENOENT")
	c.serves(server, dir)
	c.says("/srv/perch-entrypoint check", "put libnss-wrapper into the image")
}
